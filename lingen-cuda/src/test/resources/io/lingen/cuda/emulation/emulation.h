// Emulates a CUDA device on the host, to test the kernels without a GPU. Blocks run one after the other, with a fiber per thread. A
// barrier or a warp-wide instruction switches fibers until all participants have arrived. Undefined behavior becomes visible: shared
// and allocated memory are initialized to NaN, asynchronous copies complete only when they are waited for, and a thread that misses a
// barrier or a warp-wide instruction is an error. Matrix instructions use the register layouts of the PTX manual.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace emulation {

struct Dim {
  unsigned x, y, z;
};

struct Copy {
  void* to;
  const void* from;
  unsigned bytes;  // at most 16; the rest is filled with zeros
  int group;
  long number;  // in the order of the copies of the thread
};

/** An arrival at a barrier in shared memory, due when the first `copies` copies of the thread are complete. */
struct Arrival {
  const void* barrier;
  long copies;
};

/** A LATE fiber continues when no other fiber can. */
enum class State { READY, AT_BARRIER, AT_WARP, AT_NAMED_BARRIER, AT_PHASE, LATE, DONE };

struct Fiber {
  void* stack_pointer = nullptr;
  State state = State::DONE;
  Dim index;
  int id = 0;
  std::vector<Copy> copies;
  int group = 0;
  long copy_count = 0;
  std::vector<Arrival> arrivals;  // not yet due
  const void* barrier = nullptr;  // that the fiber waits for, in the phase of this parity
  unsigned parity = 0;
  int named_barrier = 0;
  long fence_time = 0;  // of the last fence_async_proxy
};

/** The operands of one lane of a warp-wide instruction. */
struct Lane {
  const void* in;
  void* out;
  unsigned argument;
};

typedef void (*WarpInstruction)(Lane* lanes);

struct Kernel {
  const char* name;
  void (*run)(const void* parameters);
  size_t parameter_bytes;
  int threads;
  Kernel* next;
};

extern thread_local Dim thread_index, block_index, block_size, grid_size;
extern thread_local unsigned char* dynamic_shared;
extern thread_local Fiber* current;
extern Kernel* kernels;

extern thread_local unsigned char* shared_memory;
extern thread_local size_t shared_bytes;
extern thread_local int threads;
extern thread_local Fiber fibers[];

const int WARP_SIZE = 32;
const int MAX_THREADS = 1024;

void leave();
void complete_copy(Fiber* fiber, const Copy& copy);
void complete_groups(Fiber* fiber, int groups_before);
void barrier();
void warp_instruction(WarpInstruction instruction, const void* in, void* out, unsigned argument);
[[noreturn]] void fail(const char* message);

struct Registration {
  Kernel kernel;
  Registration(const char* name, void (*run)(const void*), size_t bytes, int threads) {
    kernel = {name, run, bytes, threads, kernels};
    kernels = &kernel;
  }
};

}  // namespace emulation

#define KERNEL(threads, name, Parameters)                                                                         \
  static void name(const Parameters& p);                                                                          \
  static void name##_run(const void* parameters) { name(*(const Parameters*)parameters); }                        \
  static emulation::Registration name##_registration(#name, name##_run, sizeof(Parameters), threads);             \
  static void name(const Parameters& p)
#define KERNEL_RESIDENT(threads, blocks, name, Parameters) KERNEL(threads, name, Parameters)
#define DEVICE inline
#define DYNAMIC_SHARED(name) unsigned char* name = emulation::dynamic_shared
#define __shared__ static thread_local
#define threadIdx emulation::thread_index
#define blockIdx emulation::block_index
#define blockDim emulation::block_size
#define gridDim emulation::grid_size

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};

static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class A, class B>
static inline auto min(A a, B b) {
  return a < b ? a : b;
}
template <class A, class B>
static inline auto max(A a, B b) {
  return a < b ? b : a;
}

static inline void __syncthreads() { emulation::barrier(); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }

static inline float __uint_as_float(unsigned bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}
static inline float __int_as_float(int bits) { return __uint_as_float((unsigned)bits); }

static inline unsigned short round_bf16(float value) {
  unsigned bits;
  memcpy(&bits, &value, 4);
  if (value != value) {
    return 0x7fff;
  }
  return (unsigned short)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
static inline unsigned pack_bf16(float low, float high) { return round_bf16(low) | (unsigned)round_bf16(high) << 16; }
static inline float exp2_fast(float x) { return exp2f(x); }
static inline unsigned opaque(unsigned x) { return x; }
static inline long long row_offset(unsigned row, unsigned pitch) { return (long long)row * pitch; }
static inline float reciprocal_fast(float x) { return 1 / x; }

namespace emulation {
void shuffle_xor(Lane* lanes);
void shuffle_up(Lane* lanes);
void shuffle(Lane* lanes);
void all_arrive(Lane* lanes);
void ballot(Lane* lanes);
void multiply_matrices(Lane* lanes);
void load_matrices(Lane* lanes);
}  // namespace emulation

static inline float __shfl_xor_sync(unsigned, float value, int mask) {
  float out;
  emulation::warp_instruction(emulation::shuffle_xor, &value, &out, (unsigned)mask);
  return out;
}
static inline float __shfl_up_sync(unsigned, float value, int delta) {
  float out;
  emulation::warp_instruction(emulation::shuffle_up, &value, &out, (unsigned)delta);
  return out;
}
static inline float __shfl_sync(unsigned, float value, int lane) {
  float out;
  emulation::warp_instruction(emulation::shuffle, &value, &out, (unsigned)lane);
  return out;
}
static inline int __shfl_sync(unsigned, int value, int lane) {
  int out;
  emulation::warp_instruction(emulation::shuffle, &value, &out, (unsigned)lane);
  return out;
}
static inline unsigned __ballot_sync(unsigned, bool value) {
  unsigned out;
  emulation::warp_instruction(emulation::ballot, &value, &out, 0);
  return out;
}
static inline int __any_sync(unsigned, bool value) {
  float any = value;
  for (int mask = 1; mask < 32; mask *= 2) {
    float other = __shfl_xor_sync(0xffffffffu, any, mask);
    any = any > other ? any : other;
  }
  return any != 0;
}
static inline void __syncwarp() { emulation::warp_instruction(emulation::all_arrive, nullptr, nullptr, 0); }

struct MatrixOperands {
  float* c;
  const unsigned* a;
  const unsigned* b;
};

static inline void mma_bf16(float* c, const unsigned* a, const unsigned* b) {
  MatrixOperands operands = {c, a, b};
  emulation::warp_instruction(emulation::multiply_matrices, &operands, nullptr, 0);
}
static inline void load_matrices(unsigned* r, const void* row) {
  emulation::warp_instruction(emulation::load_matrices, row, r, 0);
}
static inline void load_matrices_transposed(unsigned* r, const void* row) {
  emulation::warp_instruction(emulation::load_matrices, row, r, 1);
}

namespace emulation {
/** Starts a copy of up to 16 bytes, followed by zeros. Its target is NaN until it completes. */
void start_copy(void* shared, const void* global, unsigned bytes);
}  // namespace emulation

static inline void copy_async(void* shared, const void* global) { emulation::start_copy(shared, global, 16); }
static inline void commit_copies() { emulation::current->group++; }

template <int pending>
static inline void wait_copies() {
  emulation::complete_groups(emulation::current, emulation::current->group - pending);
}

#include "hopper.h"
