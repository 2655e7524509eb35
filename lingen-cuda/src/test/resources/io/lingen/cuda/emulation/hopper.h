// The instructions of hopper.cuh for the emulated device. Races that a GPU may hide fail here:
// - A copy that a barrier waits for, and a wgmma that is waited for, complete only when no thread can proceed otherwise.
// - The thread that completes a phase continues after all threads that wait for the phase.
// - The sums of a wgmma are NaN until it is waited for. Neither they nor its operands may change before.
// - A wgmma may read shared memory only if a fence separates it from the write.
// - All warps of a warpgroup must start the same wgmma and set the same number of registers.
#pragma once

#define DYNAMIC_SHARED_TILES(name) DYNAMIC_SHARED(name)

namespace emulation {

void start_hopper();
/**
 * Completes copies that a phase waits for, or resumes a warp that yielded, when no other thread can proceed. Returns false if there
 * are none.
 */
bool resume_late(bool backwards);
/** Checks the state at the end of a block. Returns an error, or null. */
const char* finish_hopper();
/** Records that a copy has written 16 bytes of dynamic shared memory. */
void note_write(Fiber* fiber, size_t unit);
/** Counts the arrivals whose copies are complete. Returns whether one completes a phase. */
bool complete_arrivals(Fiber* fiber);

void init_barrier(void* barrier, unsigned count);
void arrive(const void* barrier);
void arrive_when_copied(const void* barrier);
void wait_phase(const void* barrier, unsigned parity);
void named_barrier(int barrier, int count, bool waits);
void set_registers(int count);
unsigned shared_address(const void* shared);
void* shared_pointer(unsigned address);
void fence_async_proxy();

struct WgmmaOperands {
  float* c;
  const unsigned* a;
  unsigned long long b;
  int n;
  bool columns;
  bool add;
};
void wgmma_fence(Lane* lanes);
void start_wgmma(Lane* lanes);
void wgmma_commit(Lane* lanes);
void wgmma_wait(Lane* lanes);
void yield_to_others();

}  // namespace emulation

static inline unsigned shared_address(const void* shared) { return emulation::shared_address(shared); }
static inline void init_barrier(unsigned long long* barrier, unsigned count) { emulation::init_barrier(barrier, count); }
static inline void arrive(unsigned long long* barrier) { emulation::arrive(barrier); }
static inline void arrive_when_copied(unsigned long long* barrier) { emulation::arrive_when_copied(barrier); }
static inline void wait(unsigned long long* barrier, unsigned parity) { emulation::wait_phase(barrier, parity); }
static inline void copy_async_or_zero(unsigned shared, const void* global, unsigned bytes) {
  emulation::start_copy(emulation::shared_pointer(shared), global, bytes);
}
static inline void load_matrices_at(unsigned* r, unsigned address) {
  load_matrices(r, emulation::shared_pointer(address));
}
static inline void fence_async_proxy() { emulation::fence_async_proxy(); }
static inline void sync_threads(int barrier, int count) { emulation::named_barrier(barrier, count, true); }
static inline void arrive_threads(int barrier, int count) { emulation::named_barrier(barrier, count, false); }
template <int count>
static inline void release_registers() {
  emulation::set_registers(-count);
}
template <int count>
static inline void acquire_registers() {
  emulation::set_registers(count);
}
static inline void wgmma_fence() { emulation::warp_instruction(emulation::wgmma_fence, nullptr, nullptr, 0); }
static inline void wgmma_commit() { emulation::warp_instruction(emulation::wgmma_commit, nullptr, nullptr, 0); }
template <int pending>
static inline void wgmma_wait() {
  emulation::yield_to_others();
  emulation::warp_instruction(emulation::wgmma_wait, nullptr, nullptr, pending);
}
template <int COUNT>
static inline void fence_operands(float*) {}
template <int COUNT>
static inline void fence_operands(unsigned*) {}
template <int N, bool COLUMNS>
static inline void wgmma(float* c, const unsigned* a, unsigned long long b, int add) {
  emulation::WgmmaOperands operands = {c, a, b, N, COLUMNS, add != 0};
  emulation::warp_instruction(emulation::start_wgmma, &operands, nullptr, 0);
}
