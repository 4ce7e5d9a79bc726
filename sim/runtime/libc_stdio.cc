// What code under test prints to standard error is kept for the text of its crash, not shown: a
// search crosses the same failure thousands of times.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "runtime/heap.h"
#include "runtime/real.h"
#include "runtime/world.h"

namespace aiosim::runtime {
namespace {

bool kept(std::FILE* stream) { return under_test() && stream == stderr; }

int keep(const char* format, std::va_list arguments) {
  const RuntimeScope scope;
  char text[512];
  const int size = std::vsnprintf(text, sizeof text, format, arguments);
  world().hear(text, std::strlen(text));
  return size;
}

}  // namespace
}  // namespace aiosim::runtime

using namespace aiosim::runtime;

extern "C" {

int vfprintf(std::FILE* stream, const char* format, std::va_list arguments) {
  if (kept(stream)) return keep(format, arguments);
  return AIOSIM_REAL(vfprintf)(stream, format, arguments);
}

int fprintf(std::FILE* stream, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const int size = kept(stream) ? keep(format, arguments)
                                : AIOSIM_REAL(vfprintf)(stream, format, arguments);
  va_end(arguments);
  return size;
}

int fputs(const char* text, std::FILE* stream) {
  if (!kept(stream)) return AIOSIM_REAL(fputs)(text, stream);
  world().hear(text, std::strlen(text));
  return 1;
}

int fputc(int c, std::FILE* stream) {
  if (!kept(stream)) return AIOSIM_REAL(fputc)(c, stream);
  const char text = static_cast<char>(c);
  world().hear(&text, 1);
  return c;
}

std::size_t fwrite(const void* data, std::size_t size, std::size_t count, std::FILE* stream) {
  if (!kept(stream)) return AIOSIM_REAL(fwrite)(data, size, count, stream);
  world().hear(static_cast<const char*>(data), size * count);
  return count;
}
}
