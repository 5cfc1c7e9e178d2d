# Pages (sim/page): their parts and Vega become C++ sources, at build time.

# The modules of Vega that the charts use, each after those it needs.
set(SPARSESIM_VEGA_MODULES util time format loader canvas statistics dataflow scale scenegraph expression selection functions
  event-selector encode transforms view-transforms runtime view parser)
set(SPARSESIM_PAGE_PARTS ${CMAKE_CURRENT_SOURCE_DIR}/sim/page)

# sparsesim_vega(TARGET) adds kVega to TARGET. Without Vega it is empty and the options that write pages say so.
function(sparsesim_vega target)
  find_path(SPARSESIM_VEGA_DIR vega-view.min.js PATHS /usr/share/javascript/vega NO_DEFAULT_PATH
            DOC "Folder of Vega's modules (Debian: libjs-vega)")
  if(SPARSESIM_VEGA_DIR)
    list(TRANSFORM SPARSESIM_VEGA_MODULES REPLACE "(.+)" "${SPARSESIM_VEGA_DIR}/vega-\\1.min.js" OUTPUT_VARIABLE modules)
  else()
    message(STATUS "Optional, not found: Vega (the pages of --html; Debian: libjs-vega)")
    set(modules "")
  endif()
  set(license ${SPARSESIM_PAGE_PARTS}/vega_license.txt)
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/scripts/cmake/write_vega.cmake)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/page_vega.cpp)
  add_custom_command(OUTPUT ${source} DEPENDS ${modules} ${license} ${script} VERBATIM COMMENT "Embedding Vega"
    COMMAND ${CMAKE_COMMAND} "-DMODULES=${modules}" "-DLICENSE=${license}" "-DSOURCE=${source}" -P ${script})
  target_sources(${target} PRIVATE ${source})
endfunction()

# sparsesim_page(TARGET NAME TITLE FOLDER SCRIPT...) adds the template kNAMEPage to TARGET: FOLDER/NAME.html and .css (in lower case)
# in sim/page's skeleton, with these scripts of FOLDER, or of sim/page, in this order.
function(sparsesim_page target name title folder)
  string(TOLOWER ${name} lower)
  set(page ${CMAKE_CURRENT_SOURCE_DIR}/${folder})
  set(scripts "")
  foreach(script IN LISTS ARGN)
    if(EXISTS ${page}/${script})
      list(APPEND scripts ${page}/${script})
    else()
      list(APPEND scripts ${SPARSESIM_PAGE_PARTS}/${script})
    endif()
  endforeach()
  set(common ${SPARSESIM_PAGE_PARTS}/skeleton.html ${SPARSESIM_PAGE_PARTS}/style.css ${SPARSESIM_PAGE_PARTS}/page.js ${SPARSESIM_PAGE_PARTS}/charts.js)
  set(writer ${CMAKE_CURRENT_SOURCE_DIR}/scripts/cmake/write_page.cmake)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${lower}_page.cpp)
  add_custom_command(OUTPUT ${source} DEPENDS ${common} ${page}/${lower}.html ${page}/${lower}.css ${scripts} ${writer} VERBATIM
    COMMENT "Writing the template of the ${lower} page"
    COMMAND ${CMAKE_COMMAND} "-DNAME=${name}" "-DTITLE=${title}" "-DPARTS=${SPARSESIM_PAGE_PARTS}" "-DBODY=${page}/${lower}.html"
      "-DSTYLE=${page}/${lower}.css" "-DSCRIPTS=${scripts}" "-DSOURCE=${source}" -P ${writer})
  target_sources(${target} PRIVATE ${source})
endfunction()
