// What hopper.cuh has of compute capability 9.0, on the emulated device. What the hardware leaves to chance is made visible:
// - a copy that a barrier waits for lands, and a product that is waited for ends, when nobody can go on otherwise;
// - who ends a phase goes on after all who waited for that;
// - a product's sums are NaN until it is waited for, and neither they nor its operands may change before;
// - a product sees only what a fence between the writing and the reading has shown it;
// - warps of a warpgroup that start different products, or give back different registers, are reported.
#pragma once

#define DYNAMIC_SHARED_TILES(name) DYNAMIC_SHARED(name)

namespace emulation {

void start_hopper();
/** Ends what ends only when nobody can go on: copies that a phase waits for, or that a warp lets others go first; false if there are none. */
bool end_late(bool backwards);
/** Null, or what a block left undone. */
const char* finish_hopper();
/** A copy has written 16 bytes of dynamic shared memory. */
void note_write(Fiber* fiber, size_t unit);
/** Makes the arrivals whose copies have landed; whether one ends a phase. */
bool arrive_landed(Fiber* fiber);

void init_barrier(void* barrier, unsigned count);
void arrive(const void* barrier);
void arrive_when_copied(const void* barrier);
void wait_phase(const void* barrier, unsigned parity);
void named_barrier(int barrier, int count, bool waits);
void set_registers(int count);
unsigned shared_address(const void* shared);
void* shared_pointer(unsigned address);
void show_products();

struct ProductOperands {
  float* c;
  const unsigned* a;
  unsigned long long b;
  int n;
  bool columns;
  bool add;
};
void begin_products(Lane* lanes);
void start_product(Lane* lanes);
void commit_products(Lane* lanes);
void wait_products(Lane* lanes);
void let_others_go_first();

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
static inline void show_products() { emulation::show_products(); }
static inline void sync_threads(int barrier, int count) { emulation::named_barrier(barrier, count, true); }
static inline void arrive_threads(int barrier, int count) { emulation::named_barrier(barrier, count, false); }
template <int count>
static inline void keep_registers() {
  emulation::set_registers(-count);
}
template <int count>
static inline void take_registers() {
  emulation::set_registers(count);
}
static inline void begin_products() { emulation::warp_instruction(emulation::begin_products, nullptr, nullptr, 0); }
static inline void commit_products() { emulation::warp_instruction(emulation::commit_products, nullptr, nullptr, 0); }
template <int pending>
static inline void wait_products() {
  emulation::let_others_go_first();
  emulation::warp_instruction(emulation::wait_products, nullptr, nullptr, pending);
}
template <int COUNT>
static inline void settle(float*) {}
template <int COUNT>
static inline void settle(unsigned*) {}
template <int N, bool COLUMNS>
static inline void product(float* c, const unsigned* a, unsigned long long b, int add) {
  emulation::ProductOperands operands = {c, a, b, N, COLUMNS, add != 0};
  emulation::warp_instruction(emulation::start_product, &operands, nullptr, 0);
}
