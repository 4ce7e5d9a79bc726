// Before properties/example: its loop closes its event fd as often as WRONG_CLOSE says.
#pragma once

#include <unistd.h>

#define close(fd)                                 \
  do {                                            \
    for (int i = 0; i < WRONG_CLOSE; ++i) {       \
      static_cast<void>((close)(fd));             \
    }                                             \
  } while (false)
