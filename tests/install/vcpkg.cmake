# Runs the port's portfile, with stand-ins for the functions of vcpkg that it calls; what it calls besides is an error.
# Given: CURRENT_PORT_DIR, CURRENT_PACKAGES_DIR, CURRENT_BUILDTREES_DIR, VCPKG_LIBRARY_LINKAGE, and BUILT, the folder of a
# library that stands for what cargo would build.
cmake_minimum_required(VERSION 3.21)

set(PORT tenon)
set(TARGET_TRIPLET x64-linux)

function(vcpkg_find_acquire_program name)
  if(NOT name STREQUAL "PYTHON3")
    message(FATAL_ERROR "there is no stand-in for ${name}")
  endif()
  find_program(PYTHON3 python3 REQUIRED)
endfunction()

function(vcpkg_execute_required_process)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "WORKING_DIRECTORY;LOGNAME" "COMMAND")
  foreach(needed IN ITEMS WORKING_DIRECTORY LOGNAME COMMAND)
    if(NOT DEFINED arg_${needed})
      message(FATAL_ERROR "${needed} is not given")
    endif()
  endforeach()
  if(DEFINED arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "given besides: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  list(POP_FRONT arg_COMMAND program)
  if(program STREQUAL "${CARGO}")
    list(JOIN arg_COMMAND " " said)
    if(NOT said STREQUAL "build --locked --profile release -p tenon-ffi" OR NOT EXISTS "${arg_WORKING_DIRECTORY}/Cargo.lock")
      message(FATAL_ERROR "cargo ${said} in ${arg_WORKING_DIRECTORY}")
    endif()
    file(MAKE_DIRECTORY "$ENV{CARGO_TARGET_DIR}")
    file(CREATE_LINK "${BUILT}" "$ENV{CARGO_TARGET_DIR}/release" SYMBOLIC)
  else()
    execute_process(
      COMMAND "${program}" ${arg_COMMAND}
      WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}"
      COMMAND_ERROR_IS_FATAL ANY)
  endif()
endfunction()

function(vcpkg_fixup_pkgconfig)
  if(ARGC OR NOT EXISTS "${CURRENT_PACKAGES_DIR}/lib/pkgconfig/tenon.pc")
    message(FATAL_ERROR "vcpkg_fixup_pkgconfig(${ARGN}): there is no tenon.pc")
  endif()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  foreach(file IN LISTS arg_FILE_LIST arg_UNPARSED_ARGUMENTS)
    file(READ "${file}" text)
    file(APPEND "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
  endforeach()
endfunction()

include("${CURRENT_PORT_DIR}/portfile.cmake")

foreach(set IN ITEMS VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES VCPKG_BUILD_TYPE)
  if(NOT DEFINED ${set})
    message(FATAL_ERROR "${set} is not set: vcpkg wants a build for debugging")
  endif()
endforeach()
