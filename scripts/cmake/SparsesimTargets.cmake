# Targets of this project: every library is one folder, every source file in it and below belongs to it.

function(sparsesim_sanitize target)
  if(SPARSESIM_SANITIZE STREQUAL "address")
    set(checks address,undefined,float-cast-overflow)
  elseif(SPARSESIM_SANITIZE STREQUAL "thread")
    set(checks thread)
  else()
    message(FATAL_ERROR "SPARSESIM_SANITIZE is ${SPARSESIM_SANITIZE}: address, thread or nothing are known")
  endif()
  target_compile_options(${target} PUBLIC -fsanitize=${checks} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(${target} PUBLIC -fsanitize=${checks})
endfunction()

function(sparsesim_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 sees all four in its own std::string (GCC bugs 105329 and 105562).
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds)
  endif()
  # One build serves the program and the Python module. Nothing is replaced at load time, so calls stay direct.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fPIC> $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)
  if(SPARSESIM_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(SPARSESIM_SANITIZE)
    sparsesim_sanitize(${target})
  endif()
endfunction()

# Headers that most sources include, compiled once: a third of the build time. Sources include what they use all the same.
# nlohmann/json.hpp stays out: its templates cost each source a second, used or not.
# sparsesim_precompiled_headers(TARGET further headers...) makes the target whose headers others reuse.
function(sparsesim_precompiled_headers target)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp CONTENT "// Carries the precompiled headers.\n")
  add_library(${target} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp)
  sparsesim_compile_options(${target})
  target_link_libraries(${target} PRIVATE fmt::fmt)
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <map>
    <memory> <optional> <string> <string_view> <vector> <fmt/format.h> <fmt/ranges.h> ${ARGN})
endfunction()

# With CMAKE_UNITY_BUILD each folder of a target is compiled as one source: a third of the processor time. So two files of a folder
# never give different things in unnamed namespaces the same name. Files with compile options of their own stay alone.
function(sparsesim_unity_by_folder target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "TARGET_OBJECTS")
  foreach(source IN LISTS sources)
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${CMAKE_SOURCE_DIR})
    string(REPLACE "/" "_" folder ${folder})
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder})
  endforeach()
endfunction()

# sparsesim_library(NAME FOLDER [PUBLIC|PRIVATE libraries...]) makes sparsesim_NAME from all *.cpp below FOLDER
# (header-only folders become interface libraries).
function(sparsesim_library name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  set(target sparsesim_${name})
  if(sources)
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/sparsesim>)
    sparsesim_compile_options(${target})
    target_precompile_headers(${target} REUSE_FROM sparsesim_headers)
    sparsesim_unity_by_folder(${target})
    target_link_libraries(${target} ${ARGN})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/sparsesim>)
    set(links ${ARGN})
    list(REMOVE_ITEM links PUBLIC PRIVATE)
    target_link_libraries(${target} INTERFACE ${links})
  endif()
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  add_library(sparsesim::${name} ALIAS ${target})
  set_property(GLOBAL APPEND PROPERTY SPARSESIM_LIBRARIES ${target})
  set_property(GLOBAL APPEND PROPERTY SPARSESIM_FOLDERS ${folder})
endfunction()

function(sparsesim_program name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  add_executable(${name} ${sources})
  sparsesim_compile_options(${name})
  target_precompile_headers(${name} REUSE_FROM sparsesim_headers)
  sparsesim_unity_by_folder(${name})
  target_link_libraries(${name} ${ARGN})
  target_compile_definitions(${name} PRIVATE
    SPARSESIM_VERSION="${PROJECT_VERSION}"
    SPARSESIM_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}"
    SPARSESIM_DATA_DIR="${CMAKE_INSTALL_FULL_DATADIR}/sparsesim")
endfunction()

# Says once, by name, which optional dependencies are missing and what is lost with them.
function(report_optional_dependencies)
  include(CheckLanguage)
  check_language(CUDA)
  set(missing "")
  if(NOT CMAKE_CUDA_COMPILER)
    string(APPEND missing " CUDA (GPU measurement backend)")
  endif()
  if(NOT TARGET MPI::MPI_CXX OR NOT TARGET Boost::mpi)
    string(APPEND missing " MPI with Boost.MPI (sweeps across machines)")
  endif()
  if(NOT COMMAND pybind11_add_module)
    string(APPEND missing " pybind11 with Python's headers (Python package)")
  endif()
  if(NOT TARGET onednn)
    string(APPEND missing " oneDNN (dense baseline on processors)")
  endif()
  if(NOT TARGET openblas)
    string(APPEND missing " OpenBLAS (dense baseline on processors)")
  endif()
  if(NOT TARGET OpenMP::OpenMP_CXX)
    string(APPEND missing " OpenMP (measuring with several threads)")
  endif()
  if(missing)
    message(STATUS "Optional, not found:${missing}")
  endif()
endfunction()

function(sparsesim_install)
  get_property(libraries GLOBAL PROPERTY SPARSESIM_LIBRARIES)
  get_property(folders GLOBAL PROPERTY SPARSESIM_FOLDERS)
  install(TARGETS ${libraries} EXPORT sparsesimTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  foreach(folder IN LISTS folders)
    install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sparsesim/${folder}/..
            FILES_MATCHING PATTERN "*.h")
  endforeach()
  install(TARGETS sparsesim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY substrates workloads DESTINATION ${CMAKE_INSTALL_DATADIR}/sparsesim FILES_MATCHING PATTERN "*.yaml")
  install(DIRECTORY validate/measure/suites DESTINATION ${CMAKE_INSTALL_DATADIR}/sparsesim/validate/measure)
  install(FILES docs/accuracy.md DESTINATION ${CMAKE_INSTALL_DATADIR}/sparsesim/docs)  # what was measured, for the atlas
  install(EXPORT sparsesimTargets NAMESPACE sparsesim:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sparsesim)
  configure_package_config_file(scripts/cmake/sparsesimConfig.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/sparsesimConfig.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sparsesim)
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/sparsesimConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/scripts/cmake/Findlibyaml.cmake ${CMAKE_CURRENT_BINARY_DIR}/sparsesimConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/sparsesimConfigVersion.cmake
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sparsesim)
endfunction()
