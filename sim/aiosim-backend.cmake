# For this tree and, by find_package(aiosim), for anybody's.

# aiosim_instrument(TARGET): compiles TARGET with the hooks of -fsanitize=thread, without linking
# ThreadSanitizer: libaiosim.so gives the hooks their meaning. Those of a function's entry and exit
# have none and are left out; they kept sibling calls from being jumps, which call stacks would
# miss.
function(aiosim_instrument target)
  # What an assertion prints is kept in seed files: no folder of this machine in it.
  target_compile_options(${target} PRIVATE -fsanitize=thread -g -fno-omit-frame-pointer -fno-plt
    -fno-optimize-sibling-calls
    -fmacro-prefix-map=${CMAKE_CURRENT_BINARY_DIR}/= -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-tsan --param=tsan-instrument-func-entry-exit=0)
  else()
    target_compile_options(${target} PRIVATE -mcx16
      "SHELL:-mllvm -tsan-instrument-func-entry-exit=0")
  endif()
  target_link_libraries(${target} PRIVATE aiosim)
endfunction()

# aiosim_add_backend(NAME SOURCES ... [INCLUDES ...] [ENTRY symbol]): a backend module,
# lib/aiosim/NAME.so of the build folder, with every symbol but ENTRY kept to itself. In a project
# of its own that has called enable_testing() it is also the test aiosim.conform.NAME.
function(aiosim_add_backend name)
  cmake_parse_arguments(arg "" "ENTRY" "SOURCES;INCLUDES" ${ARGN})
  if(NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "aiosim_add_backend(${name}): expected SOURCES ... [INCLUDES ...] "
      "[ENTRY symbol], found '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT arg_ENTRY)
    set(arg_ENTRY aiosim_backend)
  endif()
  if(NOT AIOSIM_MODULE_DIR)
    set(AIOSIM_MODULE_DIR ${CMAKE_BINARY_DIR}/lib/aiosim)
  endif()
  string(MAKE_C_IDENTIFIER backend_${name} target)
  add_library(${target} MODULE ${arg_SOURCES})
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_include_directories(${target} PRIVATE ${arg_INCLUDES} ${AIOSIM_BACKEND_INCLUDES})
  target_compile_definitions(${target} PRIVATE AIOSIM_BACKEND_NAME="${name}")
  aiosim_instrument(${target})
  set(map ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
  file(WRITE ${map} "{ global: ${arg_ENTRY}; local: *; };\n")
  target_link_options(${target} PRIVATE -Wl,--version-script=${map} -Wl,-z,now)
  set_target_properties(${target} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${AIOSIM_MODULE_DIR})
  if(AIOSIM_COMMAND AND CMAKE_TESTING_ENABLED)
    add_test(NAME aiosim.conform.${name} COMMAND ${AIOSIM_COMMAND} conform --runs 1000
      --backend $<TARGET_FILE:${target}> --out ${CMAKE_CURRENT_BINARY_DIR}/conform.${name})
  endif()
endfunction()
