# The Python package: sparsesim/_core, and the .py files beside it. In the usual build it lies in python/ of the build folder and serves
# the tests; `pip install .` builds it alone (pyproject.toml).

option(SPARSESIM_PYTHON "The Python package, where Python's headers and pybind11 are found" ON)

# A macro: packages must be found where their targets are used.
macro(find_python)
  if(SPARSESIM_PYTHON)
    find_package(Python QUIET COMPONENTS Interpreter Development.Module)
    if(Python_Development.Module_FOUND)
      find_package(pybind11 2.10 QUIET CONFIG)
    endif()
  endif()
endmacro()

function(sparsesim_python_package)
  if(NOT COMMAND pybind11_add_module)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS sim/python/*.cpp)
  pybind11_add_module(sparsesim_python MODULE NO_EXTRAS ${sources})
  sparsesim_compile_options(sparsesim_python)
  sparsesim_unity_by_folder(sparsesim_python)
  target_compile_options(sparsesim_python PRIVATE $<$<CONFIG:Release>:-O1>)
  target_compile_definitions(sparsesim_python PRIVATE
    SPARSESIM_VERSION="${PROJECT_VERSION}" SPARSESIM_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(sparsesim_python PRIVATE sparsesim_compare sparsesim_explore sparsesim_serving)
  set(package ${CMAKE_CURRENT_BINARY_DIR}/python/sparsesim)
  set_target_properties(sparsesim_python PROPERTIES OUTPUT_NAME _core LIBRARY_OUTPUT_DIRECTORY ${package})
  file(GLOB files CONFIGURE_DEPENDS sim/python/sparsesim/*.py sim/python/sparsesim/*.pyi sim/python/sparsesim/py.typed)
  file(MAKE_DIRECTORY ${package})
  foreach(file IN LISTS files)
    cmake_path(GET file FILENAME name)
    file(CREATE_LINK ${file} ${package}/${name} SYMBOLIC COPY_ON_ERROR)
  endforeach()
  if(SKBUILD)  # paths within the package
    install(TARGETS sparsesim_python LIBRARY DESTINATION . COMPONENT python)
    install(DIRECTORY substrates workloads DESTINATION data COMPONENT python FILES_MATCHING PATTERN "*.yaml")
  endif()
endfunction()
