// The command: aiosim conform | explore | replay | minimise | explain | museum | list.
#include "aiosim/main.h"

#include "suite.h"

int main(int argc, char** argv) { return aiosim::main(argc, argv, properties::make_suite()); }
