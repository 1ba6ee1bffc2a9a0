# Short forms for the targets of this project.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# Compiles a target with the precompiled header of Asio. GCC takes it only for code that is compiled alike:
# executables, too, as position-independent as the libraries for which it was made.
function(kadenza_precompile_asio name)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM kadenza_boost)
endfunction()

# kadenza_library(NAME SOURCES ... LINK ... [PRECOMPILED_ASIO])
# One static library per folder of src/.
function(kadenza_library name)
  cmake_parse_arguments(ARG "PRECOMPILED_ASIO" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_PRECOMPILED_ASIO)
    kadenza_precompile_asio(${name})
  endif()
endfunction()

# kadenza_test(NAME SOURCES ... LINK ... [TIMEOUT SECONDS] [LABELS ...] [PRECOMPILED_ASIO])
# One GoogleTest executable, run by CTest as one test. LABELS thread: also runs under the thread sanitizer.
function(kadenza_test name)
  cmake_parse_arguments(ARG "PRECOMPILED_ASIO" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  if(ARG_PRECOMPILED_ASIO)
    kadenza_precompile_asio(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "unit;${ARG_LABELS}")
  if("thread" IN_LIST ARG_LABELS)
    add_dependencies(kadenza_thread_tests ${name})
  endif()
endfunction()
