#include "engine.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "chain.h"

namespace keras_ssl {
namespace {

std::vector<Engine> runnable() {
  std::vector<Engine> list = {
      {"baseline", baseline::run_chain, baseline::resize}};
#ifdef KERAS_SSL_X86
  const bool avx2 = __builtin_cpu_supports("avx2") &&
                    __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("bmi2");
  if (avx2) {
    list.push_back({"avx2", avx2::run_chain, avx2::resize});
  }
  if (avx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq")) {
    list.push_back({"avx512", avx512::run_chain, avx512::resize});
    if (__builtin_cpu_supports("avx512vbmi")) {
      list.push_back({"avx512vbmi", avx512vbmi::run_chain, avx512vbmi::resize});
    }
  }
#endif
  return list;
}

const Engine& named(std::string_view name) {
  std::string known;
  for (const Engine& engine : engines()) {
    if (name == engine.name) return engine;
    known += (known.empty() ? "" : ", ") + std::string(engine.name);
  }
  throw std::invalid_argument(
      "expected KERAS_SSL_SIMD to be an instruction set that this CPU has (" +
      known + "), received '" + std::string(name) + "'");
}

std::atomic<const Engine*> chosen{nullptr};

}  // namespace

const std::vector<Engine>& engines() {
  // Never destroyed, as threads may still use it while the process exits.
  static const std::vector<Engine>& list =
      *std::make_unique<std::vector<Engine>>(runnable()).release();
  return list;
}

const Engine& engine() {
  const Engine* engine = chosen.load(std::memory_order_acquire);
  if (engine == nullptr) {
    const char* wanted = std::getenv("KERAS_SSL_SIMD");
    engine = wanted != nullptr && *wanted != '\0' ? &named(wanted)
                                                  : &engines().back();
    chosen.store(engine, std::memory_order_release);
  }
  return *engine;
}

void use_engine(std::string_view name) {
  chosen.store(&named(name), std::memory_order_release);
}

}  // namespace keras_ssl
