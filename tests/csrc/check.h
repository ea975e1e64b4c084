// What the C++ test programs share: a check that names its place and ends the
// program.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                        \
    }                                                                      \
  } while (false)

template <typename Error, typename Call>
void check_throws(Call call) {
  try {
    call();
  } catch (const Error&) {
    return;
  }
  CHECK(!"expected an exception");
}
