# The measuring backends: programs of their own, so that the simulator neither links nor loads matrix libraries.

# Makes the imported target NAME where both are found. oneDNN's own package file is not used: Debian's asks for OpenCL.
function(find_optional_library name header library)
  find_path(${name}_INCLUDE_DIR ${header} PATH_SUFFIXES ${ARGN})
  find_library(${name}_LIBRARY ${library} PATH_SUFFIXES ${ARGN})
  mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
  if(${name}_INCLUDE_DIR AND ${name}_LIBRARY)
    add_library(${name} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${name} INTERFACE ${${name}_INCLUDE_DIR})
    target_link_libraries(${name} INTERFACE ${${name}_LIBRARY})
  endif()
endfunction()

function(find_matrix_libraries)
  find_optional_library(onednn dnnl.hpp dnnl)
  # Debian keeps each flavour in a folder of its own; the one with OpenMP shares its threads with our kernels.
  find_optional_library(openblas openblas_config.h openblas openblas-openmp openblas-pthread openblas-serial openblas)
endfunction()

# Files whose names end in an instruction set are compiled for it; whoever calls them asks the processor first. Such a file
# holds kernels alone: a standard template instantiated in it could replace everybody's.
function(sparsesim_instruction_sets sources)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|i.86")
    return()
  endif()
  set(avx2 -mavx2 -mfma)
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512bf16)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND avx512 -Wno-uninitialized)  # g++ 12 sees one in its own intrinsics (GCC bug 105593)
  endif()
  set(amx ${avx512} -mamx-tile -mamx-bf16 -mamx-int8)
  foreach(source IN LISTS sources)
    if(source MATCHES "_(avx2|avx512|amx)\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${${CMAKE_MATCH_1}}")
    endif()
  endforeach()
endfunction()

# sparsesim-cpu and the library of its kernels, which tests link: with whichever of oneDNN, OpenBLAS and OpenMP are there.
function(sparsesim_cpu_backend)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS validate/measure/cpu/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  sparsesim_instruction_sets("${sources}")
  add_library(sparsesim_measure_cpu STATIC ${sources})
  sparsesim_compile_options(sparsesim_measure_cpu)
  sparsesim_unity_by_folder(sparsesim_measure_cpu)
  # Alone: timed loops, which would be compiled into callers that see them; Eigen under another name.
  set_source_files_properties(
    ${CMAKE_SOURCE_DIR}/validate/measure/cpu/fingerprint/loops.cpp
    ${CMAKE_SOURCE_DIR}/validate/measure/cpu/kernels/eigen_csr_generic.cpp PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_link_libraries(sparsesim_measure_cpu PUBLIC sparsesim_measure_harness sparsesim_sparsity PRIVATE Eigen3::Eigen)
  foreach(pair "OpenMP::OpenMP_CXX=OPENMP" "onednn=ONEDNN" "openblas=OPENBLAS")
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 library)
    list(GET pair 1 name)
    if(TARGET ${library})
      target_link_libraries(sparsesim_measure_cpu PRIVATE ${library})
      target_compile_definitions(sparsesim_measure_cpu PRIVATE SPARSESIM_HAVE_${name})
    endif()
  endforeach()
  add_executable(sparsesim-cpu validate/measure/cpu/main.cpp)
  sparsesim_compile_options(sparsesim-cpu)
  target_link_libraries(sparsesim-cpu PRIVATE sparsesim_measure_cpu)
  install(TARGETS sparsesim-cpu RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sparsesim)
endfunction()
