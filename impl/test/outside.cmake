# Installs the library into an empty folder and uses it from there, by find_package and by
# pkg-config, as a project that knows nothing of this one.
#
#   cmake -DBUILD=... -DSOURCE=.../examples/outside -DWORK=... -DGENERATOR=... -DCXX=... -DFLAGS=...
#         -P outside.cmake
file(REMOVE_RECURSE ${WORK})
set(prefix ${WORK}/installed)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

function(expect_called)
  if(NOT output STREQUAL "called\n")
    message(FATAL_ERROR "expected the program to print \"called\", found \"${output}\"")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --component aio --prefix ${prefix})

run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
  -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_PREFIX_PATH=${prefix})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/outside)
expect_called()

find_program(PKG_CONFIG pkg-config REQUIRED)
file(GLOB_RECURSE pc ${prefix}/*/aio.pc)
cmake_path(GET pc PARENT_PATH folder)
run(${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${folder}
  ${PKG_CONFIG} --cflags --libs aio)
separate_arguments(options UNIX_COMMAND "${FLAGS} ${output}")
run(${CXX} -std=c++20 ${SOURCE}/main.cc -o ${WORK}/by_pkg_config ${options})
run(${WORK}/by_pkg_config)
expect_called()
