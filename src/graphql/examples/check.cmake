# Runs PROGRAM and holds its output against the file WANTED.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE status)
file(READ ${WANTED} wanted)
if(NOT status EQUAL 0 OR NOT printed STREQUAL wanted)
  message(FATAL_ERROR "status ${status}; printed:\n${printed}\nwanted:\n${wanted}")
endif()
