// Barriers in shared memory, named barriers and wgmma, as specified by the PTX manual.
#include <map>
#include <memory>

#include "emulation.h"

namespace emulation {

namespace {

const unsigned BASE = 1024;  // the address of a block's shared memory
const int GROUP_SIZE = 128;
const int REGISTERS = 65536;
const unsigned PENDING = 0xffbfffffu;  // a NaN of sums in flight; arithmetic on it gives a different NaN
const unsigned long long MARK = 0xffba0000ba0000ffull;

struct Barrier {
  unsigned expected, pending;
  unsigned phase;
};

/** The last copy to 16 bytes of shared memory. */
struct Unit {
  long written;  // the time
  Fiber* writer;
  unsigned char bytes[16];
};

struct NamedBarrier {
  int count, arrived;
};

/** The part of one warp in a wgmma that is in flight. */
struct Wgmma {
  int group;
  int n;
  float* c[WARP_SIZE];
  const unsigned* a[WARP_SIZE];
  unsigned left[WARP_SIZE][4];
  std::vector<float> sums;           // [lane][n / 2], the result
  std::vector<unsigned> units;       // addresses of b in shared memory
  std::vector<unsigned char> right;  // their contents at the start
};

struct Warp {
  std::vector<std::unique_ptr<Wgmma>> pending;
  int group;
  bool fenced;
  int registers;
  size_t started;
};

/** A wgmma started by the warps of a warpgroup. */
struct Started {
  unsigned long long b;
  int n;
  bool columns, add;
};

thread_local std::map<const void*, Barrier> barriers;
thread_local std::vector<Unit> units;
thread_local long now;
thread_local NamedBarrier named[16];
thread_local Warp warps[MAX_THREADS / WARP_SIZE];
thread_local std::vector<Started> started[MAX_THREADS / GROUP_SIZE];
thread_local bool used;

Barrier& find(const void* at) {
  auto found = barriers.find(at);
  if (found == barriers.end()) {
    fail("a barrier in shared memory is used before its initialization");
  }
  unsigned long long mark;
  memcpy(&mark, at, 8);
  if (mark != MARK) {
    fail("a barrier in shared memory was overwritten");
  }
  return found->second;
}

/** Counts an arrival. Returns whether it completes the phase. */
bool count_arrival(const void* at) {
  Barrier& barrier = find(at);
  if (--barrier.pending > 0) {
    return false;
  }
  barrier.pending = barrier.expected;
  barrier.phase++;
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = fibers[i];
    if (fiber.state == State::AT_PHASE && fiber.barrier == at && fiber.parity != barrier.phase % 2) {
      fiber.state = State::READY;
    }
  }
  return true;
}

float bf16(unsigned bits) { return __uint_as_float(bits << 16); }

/** Returns the address in shared memory of element (n, k) of the right operand of a wgmma. */
unsigned place(const WgmmaOperands& p, int n, int k) {
  unsigned start = (p.b & 0x3fff) << 4, leading = (p.b >> 16 & 0x3fff) << 4, stride = (p.b >> 32 & 0x3fff) << 4;
  unsigned at = p.columns ? start + n / 64 * leading + n % 64 * 2 + k / 8 * stride + k % 8 * 128
                          : start + n / 8 * stride + n % 8 * 128 + k * 2;
  return at ^ (at >> 7 & 7) << 4;
}

/** Returns the 16 bytes at an address of a right operand. Fails unless a fence made them visible to wgmma. */
const unsigned char* read_unit(unsigned address, const Fiber* warp) {
  if (address < BASE || address + 16 > BASE + shared_bytes) {
    fail("wgmma reads beyond shared memory");
  }
  units.resize(shared_bytes / 16 + 1);
  unsigned index = (address - BASE) / 16;
  const Unit& unit = units[index];
  const unsigned char* bytes = shared_memory + index * 16;
  if (unit.writer == nullptr || memcmp(unit.bytes, bytes, 16) != 0) {
    fail("wgmma reads shared memory that no copy has written");
  }
  bool visible = true;
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    visible &= warp[lane].fence_time >= unit.written;
  }
  if (!visible && unit.writer->fence_time < unit.written) {
    fail("wgmma reads shared memory without a fence after the write");
  }
  return bytes;
}

void complete(Warp& warp, size_t index) {
  Wgmma& wgmma = *warp.pending[index];
  for (size_t i = 0; i < wgmma.units.size(); i++) {
    if (memcmp(shared_memory + wgmma.units[i] - BASE, &wgmma.right[16 * i], 16) != 0) {
      fail("shared memory changes while wgmma reads it");
    }
  }
  bool last = true;
  for (size_t i = index + 1; i < warp.pending.size(); i++) {
    last &= warp.pending[i]->c[0] != wgmma.c[0];
  }
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    if (memcmp(wgmma.left[lane], wgmma.a[lane], 16) != 0) {
      fail("registers change while wgmma reads them");
    }
    for (int i = 0; last && i < wgmma.n / 2; i++) {
      if (memcmp(&wgmma.c[lane][i], &PENDING, 4) != 0) {
        fail("registers change while wgmma writes its sums to them");
      }
      wgmma.c[lane][i] = wgmma.sums[lane * wgmma.n / 2 + i];
    }
  }
}

/** Completes the copies that precede the first pending arrival. */
bool complete_next_copies(bool backwards) {
  const void* barrier = nullptr;
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = fibers[backwards ? threads - 1 - i : i];
    if (fiber.arrivals.empty() || (barrier != nullptr && fiber.arrivals[0].barrier != barrier)) {
      continue;
    }
    barrier = fiber.arrivals[0].barrier;
    size_t kept = 0;
    for (Copy& copy : fiber.copies) {
      if (copy.number < fiber.arrivals[0].copies) {
        complete_copy(&fiber, copy);
      } else {
        fiber.copies[kept++] = copy;
      }
    }
    fiber.copies.resize(kept);
    if (complete_arrivals(&fiber)) {
      break;
    }
  }
  return barrier != nullptr;
}

/** Resumes one warp that yielded to the others. */
bool resume_next(bool backwards) {
  int warp = -1;
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = fibers[backwards ? threads - 1 - i : i];
    if (fiber.state == State::LATE && (warp < 0 || fiber.id / WARP_SIZE == warp)) {
      warp = fiber.id / WARP_SIZE;
      fiber.state = State::READY;
    }
  }
  return warp >= 0;
}

}  // namespace

void start_hopper() {
  if (!used) {
    return;
  }
  used = false;
  barriers.clear();
  units.clear();
  now = 0;
  memset(named, 0, sizeof named);
  for (Warp& warp : warps) {
    warp.pending.clear();
    warp.group = 0;
    warp.fenced = false;
    warp.registers = 0;
    warp.started = 0;
  }
  for (auto& each : started) {
    each.clear();
  }
}

const char* finish_hopper() {
  int sum = 0;
  for (int w = 0; w < threads / WARP_SIZE; w++) {
    const Warp& first = warps[w / 4 * 4];
    if (!warps[w].pending.empty()) {
      return "a warp ends while a wgmma is in flight";
    }
    if (warps[w].started != first.started) {
      return "the warps of a warpgroup start different numbers of wgmma";
    }
    if (warps[w].registers != first.registers) {
      return "the warps of a warpgroup have different numbers of registers";
    }
    sum += WARP_SIZE * abs(warps[w].registers);
  }
  if (sum > REGISTERS) {
    return "the threads of a block have more registers than a multiprocessor";
  }
  for (const NamedBarrier& barrier : named) {
    if (barrier.arrived != 0) {
      return "threads arrived at a named barrier that never completed";
    }
  }
  return nullptr;
}

bool resume_late(bool backwards) {
  return backwards ? resume_next(true) || complete_next_copies(true) : complete_next_copies(false) || resume_next(false);
}

void note_write(Fiber* fiber, size_t index) {
  units.resize(shared_bytes / 16 + 1);
  used = true;
  Unit& unit = units[index];
  unit.written = ++now;
  unit.writer = fiber;
  memcpy(unit.bytes, shared_memory + 16 * index, 16);
}

bool complete_arrivals(Fiber* fiber) {
  bool ended = false;
  while (!fiber->arrivals.empty()) {
    Arrival arrival = fiber->arrivals[0];
    for (const Copy& copy : fiber->copies) {
      if (copy.number < arrival.copies) {
        return ended;
      }
    }
    fiber->arrivals.erase(fiber->arrivals.begin());
    ended |= count_arrival(arrival.barrier);
  }
  return ended;
}

void init_barrier(void* barrier, unsigned count) {
  if ((uintptr_t)barrier & 7 || barriers.count(barrier) != 0 || count == 0) {
    fail("a barrier in shared memory is misaligned, initialized twice or for no thread");
  }
  used = true;
  memcpy(barrier, &MARK, 8);
  barriers[barrier] = {count, count, 0};
}

void arrive(const void* barrier) {
  if (count_arrival(barrier)) {
    yield_to_others();
  }
}

void arrive_when_copied(const void* barrier) {
  find(barrier);
  current->arrivals.push_back({barrier, current->copy_count});
}

void wait_phase(const void* at, unsigned parity) {
  if (find(at).phase % 2 != parity) {
    return;
  }
  current->barrier = at;
  current->parity = parity;
  current->state = State::AT_PHASE;
  leave();
}

void named_barrier(int id, int count, bool waits) {
  used = true;
  if (id < 1 || id > 15 || count % WARP_SIZE != 0 || count > threads) {
    fail("the number of a named barrier is not 1 to 15, or it is not for whole warps");
  }
  NamedBarrier& barrier = named[id];
  if (barrier.arrived == 0) {
    barrier.count = count;
  } else if (barrier.count != count) {
    fail("threads arrive at a named barrier with different thread counts");
  }
  if (++barrier.arrived == count) {
    barrier.arrived = 0;
    for (int i = 0; i < threads; i++) {
      if (fibers[i].state == State::AT_NAMED_BARRIER && fibers[i].named_barrier == id) {
        fibers[i].state = State::READY;
      }
    }
  } else if (waits) {
    current->named_barrier = id;
    current->state = State::AT_NAMED_BARRIER;
    leave();
  }
}

void set_registers(int count) {
  used = true;
  int given = REGISTERS / threads / 8 * 8;
  int asked = abs(count);
  if (asked % 8 != 0 || asked < 24 || asked > 256 || (count < 0 ? asked > given : asked < given)) {
    fail("a warp requests an invalid number of registers");
  }
  warps[current->id / WARP_SIZE].registers = asked;
}

unsigned shared_address(const void* shared) { return (unsigned)((const unsigned char*)shared - shared_memory) + BASE; }
void* shared_pointer(unsigned address) { return shared_memory + (address - BASE); }

void fence_async_proxy() { current->fence_time = now; }

void wgmma_fence(Lane*) { warps[current->id / WARP_SIZE].fenced = true; }

/** wgmma.mma_async.m64nNk16, the 16 rows of one warp: PTX manual, "Matrix fragments for wgmma.mma_async.m64nNk16". */
void start_wgmma(Lane* lanes) {
  used = true;
  int id = current->id / WARP_SIZE;
  Warp& warp = warps[id];
  const WgmmaOperands& p = *(const WgmmaOperands*)lanes[0].in;
  if (threads % GROUP_SIZE != 0) {
    fail("wgmma needs whole warpgroups");
  }
  if (!warp.fenced) {
    fail("wgmma starts without a fence for its registers");
  }
  const unsigned long long offsets = 0x00003fff3fff3fffull;
  if ((p.b & ~offsets) != 1ull << 62) {
    fail("a wgmma descriptor is not for the layout with 128-byte swizzle");
  }
  std::vector<Started>& log = started[id / 4];
  if (warp.started == log.size()) {
    log.push_back({p.b, p.n, p.columns, p.add});
  }
  const Started& same = log[warp.started++];
  if (same.b != p.b || same.n != p.n || same.columns != p.columns || same.add != p.add) {
    fail("the warps of a warpgroup start different wgmma");
  }
  auto wgmma = std::make_unique<Wgmma>();
  wgmma->group = warp.group;
  wgmma->n = p.n;
  wgmma->sums.resize(WARP_SIZE * p.n / 2);
  const Wgmma* before = nullptr;
  for (auto& each : warp.pending) {
    if (each->c[0] == p.c) {
      before = each.get();
    }
  }
  float a[16][16];
  std::vector<float> b(p.n * 16);
  const Fiber* warp_fibers = &fibers[id * WARP_SIZE];
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    const WgmmaOperands& own = *(const WgmmaOperands*)lanes[lane].in;
    if (own.b != p.b || own.add != p.add) {
      fail("the lanes of a warp start different wgmma");
    }
    wgmma->c[lane] = own.c;
    wgmma->a[lane] = own.a;
    memcpy(wgmma->left[lane], own.a, 16);
    for (int i = 0; i < 8; i++) {
      a[lane / 4 + i / 2 % 2 * 8][lane % 4 * 2 + i % 2 + i / 4 * 8] = bf16(own.a[i / 2] >> 16 * (i % 2) & 0xffff);
    }
  }
  // A unit is eight neighboring elements of a row of shared memory.
  for (int outer = 0; outer < (p.columns ? 16 : p.n); outer++) {
    for (int inner = 0; inner < (p.columns ? p.n : 16); inner += 8) {
      unsigned address = place(p, p.columns ? inner : outer, p.columns ? outer : inner);
      if (address % 16 != 0) {
        fail("a wgmma operand is not aligned to 16 bytes");
      }
      const unsigned char* bytes = read_unit(address, warp_fibers);
      wgmma->units.push_back(address);
      wgmma->right.insert(wgmma->right.end(), bytes, bytes + 16);
      for (int i = 0; i < 8; i++) {
        unsigned short bits;
        memcpy(&bits, bytes + 2 * i, 2);
        int n = p.columns ? inner + i : outer, k = p.columns ? outer : inner + i;
        b[k * p.n + n] = bf16(bits);
      }
    }
  }
  std::vector<float> row(p.n);
  for (int r = 0; r < 16; r++) {
    std::fill(row.begin(), row.end(), 0.f);
    for (int k = 0; k < 16; k++) {
      for (int n = 0; n < p.n; n++) {
        row[n] += a[r][k] * b[k * p.n + n];
      }
    }
    for (int n = 0; n < p.n; n++) {
      int lane = r % 8 * 4 + n % 8 / 2, i = n / 8 * 4 + r / 8 * 2 + n % 2;
      float* c = wgmma->c[lane];
      float sum = 0;
      if (p.add) {
        if (before != nullptr && memcmp(&c[i], &PENDING, 4) != 0) {
          fail("registers change while wgmma writes its sums to them");
        }
        sum = before != nullptr ? before->sums[lane * p.n / 2 + i] : c[i];
      }
      wgmma->sums[lane * p.n / 2 + i] = sum + row[n];
      memcpy(&c[i], &PENDING, 4);
    }
  }
  warp.pending.push_back(std::move(wgmma));
}

void wgmma_commit(Lane*) { warps[current->id / WARP_SIZE].group++; }

void yield_to_others() {
  current->state = State::LATE;
  leave();
}

void wgmma_wait(Lane* lanes) {
  Warp& warp = warps[current->id / WARP_SIZE];
  int before = warp.group - (int)lanes[0].argument;
  size_t done = 0;
  while (done < warp.pending.size() && warp.pending[done]->group < before) {
    complete(warp, done++);
  }
  warp.pending.erase(warp.pending.begin(), warp.pending.begin() + done);
  // Later instructions may change registers.
  warp.fenced = false;
}

}  // namespace emulation
