# Makes one exhibit's sources: a copy of impl/ with a patch applied.
#
#   cmake -DNAME=... -DIMPL=.../impl -DPATCH=....patch -DOUT=... -P exhibit.cmake
#
# OUT/impl receives include/ and src/. A file whose text stays as it was keeps its time stamp, so
# that a change of one source file compiles again only where it matters.

set(fresh ${OUT}/fresh)
file(REMOVE_RECURSE ${fresh})
file(MAKE_DIRECTORY ${fresh}/impl)
file(COPY ${IMPL}/include ${IMPL}/src DESTINATION ${fresh}/impl)

execute_process(
  COMMAND patch -p1 --fuzz=0 --force --no-backup-if-mismatch -i ${PATCH}
  WORKING_DIRECTORY ${fresh}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  message(FATAL_ERROR
    "exhibit ${NAME}: ${PATCH} no longer applies to ${IMPL}; make the patch again "
    "(fault/museum/README.md says how). patch said:\n${output}")
endif()

file(GLOB_RECURSE files RELATIVE ${fresh} ${fresh}/impl/*)
foreach(file ${files})
  get_filename_component(folder ${OUT}/${file} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  file(COPY_FILE ${fresh}/${file} ${OUT}/${file} ONLY_IF_DIFFERENT)
endforeach()
file(REMOVE_RECURSE ${fresh})
file(TOUCH ${OUT}/made)
