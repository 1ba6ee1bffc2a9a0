# How everything is compiled: language, warnings, sanitizers, linker, compiler cache.

option(KADENZA_TESTS "Build the tests" ON)
option(KADENZA_BENCH "Build the benchmarks" OFF)
option(KADENZA_PLANTED_BUGS "Faults that kadenza-sim can switch on (docs/simulation.md)" OFF)
option(KADENZA_FUZZ "Build the fuzzers (clang only)" OFF)
set(KADENZA_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize: 'address,undefined' or 'thread'")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  # GCC stores time stamps in precompiled headers, hence the sloppiness; without the base folder another
  # checkout of the same source would find nothing.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # False alarms of GCC 12 inside coroutine frames and std::variant, std::optional, std::expected.
  add_compile_options(-Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-dangling-pointer)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  # Clang 14 can do what <expected> of libstdc++ 12 needs, but does not say so.
  add_compile_options(-Wno-builtin-macro-redefined -Wno-macro-redefined -D__cpp_concepts=202002L)
endif()

if(KADENZA_SANITIZE)
  add_compile_options(-fsanitize=${KADENZA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KADENZA_SANITIZE})
  # The sanitizers' data has millions of addresses: relocating them takes a process most of its start.
  if(KADENZA_SANITIZE MATCHES "address")
    add_link_options(-no-pie)
  endif()
  if(KADENZA_SANITIZE STREQUAL thread)
    add_compile_options(-Wno-tsan)
  endif()
endif()

if(KADENZA_PLANTED_BUGS)
  add_compile_definitions(KADENZA_PLANTED_BUGS)
endif()
add_compile_definitions(
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ALLOW_DEPRECATED_HEADERS)
include_directories(${CMAKE_SOURCE_DIR}/src)
