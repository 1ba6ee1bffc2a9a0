# C++ from the messages in proto/.

find_package(Protobuf REQUIRED)

# kadenza_proto(NAME PROTO ... [LINK ...])
# A library of the messages in proto/PROTO: `#include "node.pb.h"` for node.proto. LINK: the libraries of the
# files that these import.
function(kadenza_proto name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${name})
  file(MAKE_DIRECTORY ${generated})
  set(sources)
  foreach(proto ${ARG_UNPARSED_ARGUMENTS})
    get_filename_component(stem ${proto} NAME_WE)
    set(file ${CMAKE_SOURCE_DIR}/proto/${proto})
    add_custom_command(
      OUTPUT ${generated}/${stem}.pb.cc ${generated}/${stem}.pb.h
      COMMAND protobuf::protoc --cpp_out=${generated} -I${CMAKE_SOURCE_DIR}/proto ${file}
      DEPENDS ${file} protobuf::protoc)
    list(APPEND sources ${generated}/${stem}.pb.cc ${generated}/${stem}.pb.h)
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC ${generated})
  target_compile_options(${name} PRIVATE -w)
  # Never beside libprotobuf-lite: the two define the same objects, which would be destroyed twice.
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${ARG_LINK})
  set_property(GLOBAL APPEND PROPERTY KADENZA_PROTO_LIBRARIES ${name})
endfunction()
