# The page of `validate --html`: validate/compare/page and Vega become one C++ source, at build time.

# The modules of Vega that the page's charts use, each after those it needs.
set(SPARSESIM_VEGA_MODULES util time format loader canvas statistics dataflow scale scenegraph expression selection functions
  event-selector encode transforms view-transforms runtime view parser)

# sparsesim_report_page(TARGET) adds the source to TARGET. Without Vega the page is empty and the option says so.
function(sparsesim_report_page target)
  find_path(SPARSESIM_VEGA_DIR vega-view.min.js PATHS /usr/share/javascript/vega NO_DEFAULT_PATH
            DOC "Folder of Vega's modules (Debian: libjs-vega)")
  set(page ${CMAKE_CURRENT_SOURCE_DIR}/validate/compare/page)
  set(inputs ${page}/report.html ${page}/report.css ${page}/charts.js ${page}/report.js ${page}/vega_license.txt)
  if(SPARSESIM_VEGA_DIR)
    list(TRANSFORM SPARSESIM_VEGA_MODULES REPLACE "(.+)" "${SPARSESIM_VEGA_DIR}/vega-\\1.min.js" OUTPUT_VARIABLE modules)
  else()
    message(STATUS "Optional, not found: Vega (the report page of validate --html; Debian: libjs-vega)")
    set(modules "")
  endif()
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/scripts/cmake/write_report_page.cmake)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/report_page.cpp)
  add_custom_command(OUTPUT ${source} DEPENDS ${inputs} ${modules} ${script} VERBATIM COMMENT "Writing the report page"
    COMMAND ${CMAKE_COMMAND} "-DPAGE=${page}" "-DMODULES=${modules}" "-DSOURCE=${source}" -P ${script})
  target_sources(${target} PRIVATE ${source})
endfunction()
