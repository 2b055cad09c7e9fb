# An overlay port: cargo builds the source tree that contains it. The binary cache of vcpkg considers only the files of the
# port. So after a change of the tree under the same version, use --no-binarycaching.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)
if(NOT EXISTS "${SOURCE_PATH}/scripts/install_c.py")
  message(FATAL_ERROR "This port builds the tree that it lies in, and ${SOURCE_PATH} is none: give its own folder to --overlay-ports.")
endif()

find_program(CARGO cargo PATHS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin")
if(NOT CARGO)
  message(FATAL_ERROR "cargo is not on PATH: install Rust (https://rustup.rs).")
endif()
vcpkg_find_acquire_program(PYTHON3)

# There is only a release build. Consumers who debug their own program do not need debug information of Rust code.
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)
set(VCPKG_BUILD_TYPE release)
set(ENV{CARGO_TARGET_DIR} "${CURRENT_BUILDTREES_DIR}/${TARGET_TRIPLET}-rel")
vcpkg_execute_required_process(
  COMMAND "${CARGO}" build --locked --profile release -p tenon-ffi
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME "build-${TARGET_TRIPLET}-rel")

if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  set(only static)
else()
  set(only shared)
endif()
vcpkg_execute_required_process(
  COMMAND "${PYTHON3}" scripts/install_c.py --built --prefix "${CURRENT_PACKAGES_DIR}" --cmakedir "share/${PORT}" --only ${only}
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME "install-${TARGET_TRIPLET}-rel")

vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")
file(INSTALL "${CURRENT_PORT_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/LICENSE-APACHE" "${SOURCE_PATH}/LICENSE-MIT")
