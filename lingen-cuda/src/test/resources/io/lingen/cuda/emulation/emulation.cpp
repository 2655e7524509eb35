// The scheduler, the warp-wide instructions and the memory of the emulated device, and the functions that the tests call.
#include "emulation.h"

#include <sys/mman.h>

namespace emulation {

thread_local Dim thread_index, block_index, block_size, grid_size;
thread_local unsigned char* dynamic_shared;
thread_local Fiber* current;
thread_local unsigned char* shared_memory = nullptr;
thread_local size_t shared_bytes;
thread_local int threads;
thread_local Fiber fibers[MAX_THREADS];
Kernel* kernels = nullptr;

namespace {

const size_t STACK_BYTES = 64 << 10;
const size_t MAX_SHARED = 232448;

struct WarpState {
  Lane lanes[WARP_SIZE];
  WarpInstruction instruction;
  int arrived;
};

thread_local WarpState warps[MAX_THREADS / WARP_SIZE];
thread_local char* stacks = nullptr;
thread_local bool copying[MAX_SHARED / 16];  // whether a copy to these 16 bytes of dynamic shared memory is in flight
thread_local void* scheduler;
thread_local int at_barrier, done;
thread_local const Kernel* running;
thread_local const void* parameters;
thread_local char failure[512];

extern "C" void emulation_switch(void** from, void* to);

#if defined(__x86_64__)
asm(R"(
.text
.globl emulation_switch
.type emulation_switch, @function
emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
#else
#error "the emulated device switches fibers on x86-64 only"
#endif

void resume(Fiber* fiber) {
  current = fiber;
  thread_index = fiber->index;
  emulation_switch(&scheduler, fiber->stack_pointer);
}

}  // namespace

void leave() { emulation_switch(&current->stack_pointer, scheduler); }

namespace {

void fiber_main() {
  running->run(parameters);
  current->state = State::DONE;
  done++;
  leave();
}

void start(Fiber* fiber, int id, Dim index) {
  fiber->id = id;
  fiber->index = index;
  fiber->state = State::READY;
  fiber->copies.clear();
  fiber->group = 0;
  fiber->copy_count = 0;
  fiber->arrivals.clear();
  fiber->fence_time = 0;
  uintptr_t top = (uintptr_t)(stacks + (size_t)(id + 1) * STACK_BYTES) & ~(uintptr_t)15;
  void** frame = (void**)top;
  // The stack of a called function: the return address is 8 bytes below a multiple of 16, above six saved registers.
  *--frame = nullptr;
  *--frame = (void*)fiber_main;
  for (int i = 0; i < 6; i++) {
    *--frame = nullptr;
  }
  fiber->stack_pointer = frame;
}

void run_block(bool backwards) {
  done = at_barrier = 0;
  memset(copying, 0, sizeof copying);
  start_hopper();
  for (int warp = 0; warp < threads / WARP_SIZE; warp++) {
    warps[warp].arrived = 0;
  }
  int id = 0;
  for (unsigned z = 0; z < block_size.z; z++) {
    for (unsigned y = 0; y < block_size.y; y++) {
      for (unsigned x = 0; x < block_size.x; x++) {
        start(&fibers[id], id, {x, y, z});
        id++;
      }
    }
  }
  while (done < threads) {
    // Run each warp until it blocks before the next one starts. On a device, warps are never further apart.
    bool progress = false;
    for (int w = 0; w < threads / WARP_SIZE; w++) {
      Fiber* warp = &fibers[(backwards ? threads / WARP_SIZE - 1 - w : w) * WARP_SIZE];
      bool ran = true;
      while (ran) {
        ran = false;
        for (int lane = 0; lane < WARP_SIZE; lane++) {
          Fiber* fiber = &warp[backwards ? WARP_SIZE - 1 - lane : lane];
          if (fiber->state == State::READY) {
            ran = progress = true;
            resume(fiber);
            if (failure[0] != 0) {
              return;
            }
          }
        }
      }
    }
    if (!progress && !resume_late(backwards)) {
      int counts[(int)State::DONE + 1] = {};
      for (int i = 0; i < threads; i++) {
        counts[(int)fibers[i].state]++;
      }
      snprintf(failure, sizeof failure,
               "%s: deadlock: %d of %d threads wait at __syncthreads, %d at a named barrier, %d for a phase, %d have ended, the others "
               "wait for their warp",
               running->name, at_barrier, threads, counts[(int)State::AT_NAMED_BARRIER], counts[(int)State::AT_PHASE], done);
      return;
    }
  }
  for (int i = 0; i < threads; i++) {
    if (!fibers[i].copies.empty()) {
      snprintf(failure, sizeof failure, "%s: a thread ends while its asynchronous copies are in flight", running->name);
      return;
    }
  }
  const char* left = finish_hopper();
  if (left != nullptr) {
    snprintf(failure, sizeof failure, "%s: %s", running->name, left);
  }
}

}  // namespace

void fail(const char* message) {
  snprintf(failure, sizeof failure, "%s: %s", running->name, message);
  leave();
  abort();
}

void barrier() {
  if (++at_barrier == threads) {
    at_barrier = 0;
    for (int i = 0; i < threads; i++) {
      fibers[i].state = State::READY;
    }
    return;
  }
  current->state = State::AT_BARRIER;
  leave();
}

void warp_instruction(WarpInstruction instruction, const void* in, void* out, unsigned argument) {
  int id = current->id;
  WarpState& warp = warps[id / WARP_SIZE];
  if (warp.arrived > 0 && warp.instruction != instruction) {
    fail("the lanes of a warp arrive at different instructions");
  }
  warp.instruction = instruction;
  warp.lanes[id % WARP_SIZE] = {in, out, argument};
  if (++warp.arrived < WARP_SIZE) {
    current->state = State::AT_WARP;
    leave();
    return;
  }
  warp.arrived = 0;
  instruction(warp.lanes);
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    fibers[id / WARP_SIZE * WARP_SIZE + lane].state = State::READY;
  }
}

void shuffle_xor(Lane* lanes) {
  for (int i = 0; i < WARP_SIZE; i++) {
    *(float*)lanes[i].out = *(const float*)lanes[i ^ lanes[i].argument].in;
  }
}

void shuffle_up(Lane* lanes) {
  for (int i = 0; i < WARP_SIZE; i++) {
    int from = i - (int)lanes[i].argument;
    *(float*)lanes[i].out = *(const float*)lanes[from < 0 ? i : from].in;
  }
}

void shuffle(Lane* lanes) {
  for (int i = 0; i < WARP_SIZE; i++) {
    *(float*)lanes[i].out = *(const float*)lanes[lanes[i].argument % WARP_SIZE].in;
  }
}

void all_arrive(Lane*) {}

void ballot(Lane* lanes) {
  unsigned bits = 0;
  for (int i = 0; i < WARP_SIZE; i++) {
    bits |= (unsigned)*(const bool*)lanes[i].in << i;
  }
  for (int i = 0; i < WARP_SIZE; i++) {
    *(unsigned*)lanes[i].out = bits;
  }
}

void start_copy(void* shared, const void* global, unsigned bytes) {
  if (((uintptr_t)shared | (uintptr_t)global) & 15) {
    fail("an asynchronous copy of 16 bytes is not aligned to 16");
  }
  size_t at = (unsigned char*)shared - dynamic_shared;
  if (at < shared_bytes) {
    if (copying[at / 16]) {
      fail("two asynchronous copies to the same address are in flight");
    }
    copying[at / 16] = true;
  }
  memset(shared, 0xff, 16);
  current->copies.push_back({shared, global, bytes, current->group, current->copy_count++});
}

void complete_copy(Fiber* fiber, const Copy& copy) {
  memcpy(copy.to, copy.from, copy.bytes);
  memset((unsigned char*)copy.to + copy.bytes, 0, 16 - copy.bytes);
  size_t at = (unsigned char*)copy.to - dynamic_shared;
  if (at < shared_bytes) {
    copying[at / 16] = false;
    note_write(fiber, at / 16);
  }
}

/** Completes the copies of a thread in the groups before one. */
void complete_groups(Fiber* fiber, int groups_before) {
  size_t kept = 0;
  for (Copy& copy : fiber->copies) {
    if (copy.group < groups_before) {
      complete_copy(fiber, copy);
    } else {
      fiber->copies[kept++] = copy;
    }
  }
  fiber->copies.resize(kept);
  complete_arrivals(fiber);
}

namespace {

float half(unsigned pair, int which) { return __uint_as_float(which ? pair & 0xffff0000u : pair << 16); }

}  // namespace

/** mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32: PTX manual, "Matrix fragments for mma.m16n8k16". */
void multiply_matrices(Lane* lanes) {
  float a[16][16], b[16][8];
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    const MatrixOperands* operands = (const MatrixOperands*)lanes[lane].in;
    int group = lane / 4, pair = lane % 4 * 2;
    for (int i = 0; i < 8; i++) {
      int row = group + (i / 2 % 2) * 8;
      int column = pair + i % 2 + (i / 4) * 8;
      a[row][column] = half(operands->a[i / 2], i % 2);
    }
    for (int i = 0; i < 4; i++) {
      b[pair + i % 2 + (i / 2) * 8][group] = half(operands->b[i / 2], i % 2);
    }
  }
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    const MatrixOperands* operands = (const MatrixOperands*)lanes[lane].in;
    for (int i = 0; i < 4; i++) {
      int row = lane / 4 + (i / 2) * 8, column = lane % 4 * 2 + i % 2;
      float sum = operands->c[i];
      for (int k = 0; k < 16; k++) {
        sum += a[row][k] * b[k][column];
      }
      operands->c[i] = sum;
    }
  }
}

/** ldmatrix.sync.aligned.m8n8.x4, with or without .trans. */
void load_matrices(Lane* lanes) {
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    if ((uintptr_t)lanes[lane].in & 15) {
      fail("a row of a matrix is not aligned to 16 bytes");
    }
    unsigned* out = (unsigned*)lanes[lane].out;
    for (int matrix = 0; matrix < 4; matrix++) {
      unsigned short pair[2];
      for (int i = 0; i < 2; i++) {
        int row = lane / 4, column = lane % 4 * 2 + i;
        bool transposed = lanes[lane].argument != 0;
        const unsigned short* source = (const unsigned short*)lanes[matrix * 8 + (transposed ? column : row)].in;
        pair[i] = source[transposed ? row : column];
      }
      out[matrix] = pair[0] | (unsigned)pair[1] << 16;
    }
  }
}

}  // namespace emulation

using namespace emulation;

namespace {

const size_t GUARD = 256;

struct Header {
  size_t bytes;
  unsigned char guard[GUARD - sizeof(size_t)];
};

bool guarded(const unsigned char* bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] != 0xff) {
      return false;
    }
  }
  return true;
}

}  // namespace

/** Allocates memory aligned to 256 bytes. It and the guards around it are initialized to NaN. */
extern "C" void* lingen_allocate(size_t bytes) {
  size_t whole = (bytes + 255) / 256 * 256 + 2 * GUARD;
  unsigned char* base = (unsigned char*)aligned_alloc(256, whole);
  if (base == nullptr) {
    return nullptr;
  }
  memset(base, 0xff, whole);
  ((Header*)base)->bytes = bytes;
  return base + GUARD;
}

/** Frees memory. Returns 0 if its guards are unchanged. */
extern "C" int lingen_free(void* memory) {
  unsigned char* base = (unsigned char*)memory - GUARD;
  Header* header = (Header*)base;
  size_t end = (header->bytes + 255) / 256 * 256 + 2 * GUARD;
  bool whole = guarded(header->guard, sizeof header->guard)
      && guarded(base + GUARD + header->bytes, end - GUARD - header->bytes);
  free(base);
  return whole ? 0 : 1;
}

extern "C" size_t lingen_size(void* memory) { return ((Header*)((unsigned char*)memory - GUARD))->bytes; }

extern "C" int lingen_has(const char* name) {
  for (const Kernel* kernel = kernels; kernel != nullptr; kernel = kernel->next) {
    if (strcmp(kernel->name, name) == 0) {
      return 1;
    }
  }
  return 0;
}

/** Runs a kernel. Returns an error, or null. One caller at a time. */
extern "C" const char* lingen_launch(const char* name, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                     unsigned bz, size_t shared, const void* arguments, size_t argument_bytes,
                                     int backwards) {
  failure[0] = 0;
  const Kernel* kernel = kernels;
  while (kernel != nullptr && strcmp(kernel->name, name) != 0) {
    kernel = kernel->next;
  }
  threads = (int)(bx * by * bz);
  if (kernel == nullptr) {
    snprintf(failure, sizeof failure, "no kernel %s", name);
  } else if (argument_bytes != (kernel->parameter_bytes + 7) / 8 * 8) {
    snprintf(failure, sizeof failure, "%s takes %zu bytes of parameters, found %zu", name, kernel->parameter_bytes,
             argument_bytes);
  } else if (threads > kernel->threads || threads % WARP_SIZE != 0 || threads == 0) {
    snprintf(failure, sizeof failure, "%s is for up to %d threads, whole warps, found %d", name, kernel->threads, threads);
  } else if (gx == 0 || gy == 0 || gz == 0 || gy > 65535 || gz > 65535 || gx > 0x7fffffffu) {
    snprintf(failure, sizeof failure, "%s: the grid is %u x %u x %u", name, gx, gy, gz);
  } else if (shared > MAX_SHARED) {
    snprintf(failure, sizeof failure, "%s: %zu bytes of shared memory", name, shared);
  }
  if (failure[0] != 0) {
    return failure;
  }
  if (stacks == nullptr) {
    stacks = (char*)mmap(nullptr, MAX_THREADS * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared_memory = (unsigned char*)aligned_alloc(1024, MAX_SHARED + 1024);
  }
  running = kernel;
  parameters = arguments;
  dynamic_shared = shared_memory;
  shared_bytes = shared;
  block_size = {bx, by, bz};
  grid_size = {gx, gy, gz};
  for (unsigned z = 0; z < gz; z++) {
    for (unsigned y = 0; y < gy; y++) {
      for (unsigned x = 0; x < gx; x++) {
        memset(shared_memory, 0xff, shared + 256);
        block_index = {x, y, z};
        run_block(backwards != 0);
        if (failure[0] == 0 && !guarded(shared_memory + shared, 256)) {
          snprintf(failure, sizeof failure, "%s writes beyond its %zu bytes of shared memory", name, shared);
        }
        if (failure[0] != 0) {
          return failure;
        }
      }
    }
  }
  return nullptr;
}

/**
 * The matrix multiplication of cuBLASLt as loops: out[n, m] = x[n, k] weight[m, k]^T + bias, plus the old out if adds, then GELU if
 * gelu.
 */
extern "C" void lingen_multiply(const void* x, const void* weight, const void* bias, void* out, long n, long m, long k,
                                int bf16, int out_bf16, int adds, int gelu) {
  for (long row = 0; row < n; row++) {
    for (long column = 0; column < m; column++) {
      double sum = 0;
      for (long i = 0; i < k; i++) {
        double a = bf16 ? __uint_as_float(((const unsigned short*)x)[row * k + i] << 16) : ((const float*)x)[row * k + i];
        double b = bf16 ? __uint_as_float(((const unsigned short*)weight)[column * k + i] << 16)
                        : ((const float*)weight)[column * k + i];
        sum += a * b;
      }
      long at = row * m + column;
      if (adds) {
        sum += out_bf16 ? __uint_as_float(((const unsigned short*)out)[at] << 16) : ((const float*)out)[at];
      }
      if (bias != nullptr) {
        sum += out_bf16 ? __uint_as_float(((const unsigned short*)bias)[column] << 16) : ((const float*)bias)[column];
      }
      if (gelu) {
        sum = 0.5 * sum * (1 + tanh(0.7978845608028654 * (sum + 0.044715 * sum * sum * sum)));
      }
      if (out_bf16) {
        ((unsigned short*)out)[at] = round_bf16((float)sum);
      } else {
        ((float*)out)[at] = (float)sum;
      }
    }
  }
}
