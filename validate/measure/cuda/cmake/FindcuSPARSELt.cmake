# Finds cuSPARSELt in the toolkit, among the system's libraries, or in the Python environment that `python3` starts
# (pip packages nvidia-cusparselt-cu12 and -cu13). Makes cuSPARSELt::cuSPARSELt; sets cuSPARSELt_FOUND.

set(places "")
find_program(cuSPARSELt_PYTHON NAMES python3 python)
mark_as_advanced(cuSPARSELt_PYTHON)
if(cuSPARSELt_PYTHON)
  execute_process(
    COMMAND ${cuSPARSELt_PYTHON} -c "import site, sysconfig; print(';'.join([sysconfig.get_path('purelib')] + site.getsitepackages() + [site.getusersitepackages()]))"
    OUTPUT_VARIABLE sites OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  foreach(site IN LISTS sites)
    list(APPEND places ${site}/nvidia/cusparselt ${site}/nvidia/cu13 ${site}/cusparselt)
  endforeach()
endif()

find_path(cuSPARSELt_INCLUDE_DIR cusparseLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${places}
  PATH_SUFFIXES include libcusparseLt/13 libcusparseLt/12)
find_library(cuSPARSELt_LIBRARY NAMES cusparseLt libcusparseLt.so.0 HINTS ${CUDAToolkit_LIBRARY_DIR} ${places}
  PATH_SUFFIXES lib lib64 libcusparseLt/13 libcusparseLt/12)
mark_as_advanced(cuSPARSELt_INCLUDE_DIR cuSPARSELt_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cuSPARSELt REQUIRED_VARS cuSPARSELt_LIBRARY cuSPARSELt_INCLUDE_DIR)

if(cuSPARSELt_FOUND AND NOT TARGET cuSPARSELt::cuSPARSELt)
  # Beside the header a Python environment has those of a whole toolkit, of another version maybe: take this one alone.
  file(GLOB headers ${cuSPARSELt_INCLUDE_DIR}/cusparseLt*.h)
  file(COPY ${headers} DESTINATION ${CMAKE_CURRENT_BINARY_DIR}/cusparselt)
  add_library(cuSPARSELt::cuSPARSELt UNKNOWN IMPORTED)
  set_target_properties(cuSPARSELt::cuSPARSELt PROPERTIES IMPORTED_LOCATION ${cuSPARSELt_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CMAKE_CURRENT_BINARY_DIR}/cusparselt)
endif()
