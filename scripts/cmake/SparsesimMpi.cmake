# MPI: a module that sparsesim loads where a launcher started it, so that the simulator neither links nor loads it otherwise.

option(SPARSESIM_MPI "Sweeps across machines, where MPI and Boost.MPI are found" ON)

# A macro: packages must be found where their targets are used.
macro(find_mpi)
  if(SPARSESIM_MPI)
    find_package(MPI QUIET COMPONENTS CXX)
    find_package(Boost QUIET OPTIONAL_COMPONENTS mpi)
  endif()
endmacro()

function(sparsesim_mpi_module)
  if(NOT TARGET MPI::MPI_CXX OR NOT TARGET Boost::mpi)
    return()
  endif()
  add_library(sparsesim-mpi MODULE sim/mpi/mpi_ranks.cpp)
  sparsesim_compile_options(sparsesim-mpi)
  set_target_properties(sparsesim-mpi PROPERTIES PREFIX "" SUFFIX .so CXX_VISIBILITY_PRESET hidden)
  target_include_directories(sparsesim-mpi PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(sparsesim-mpi PRIVATE Boost::mpi MPI::MPI_CXX fmt::fmt)
  install(TARGETS sparsesim-mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sparsesim)
endfunction()
