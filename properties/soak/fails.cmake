# Runs a soak that must end with status 1 and the line that names the fault.
#
#   cmake -DSOAK=... -DARGUMENTS=... -DEXPECTED=REGEX -P fails.cmake
execute_process(
  COMMAND ${SOAK} --lives 10 --steps 60 --seed 1 --patience 5 ${ARGUMENTS}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE error)
if(NOT status EQUAL 1 OR NOT error MATCHES "soak: seed 1, life [0-9]+ under [a-z]+: ${EXPECTED}")
  message(FATAL_ERROR "status ${status}, expected 1 and \"${EXPECTED}\"; the soak said:\n"
                      "${output}${error}")
endif()
