// Barriers in shared memory, named barriers, and the products of warpgroups, as the PTX manual describes them.
#include <map>
#include <memory>

#include "emulation.h"

namespace emulation {

namespace {

const unsigned BASE = 1024;  // the address of a block's shared memory
const int GROUP_SIZE = 128;
const int REGISTERS = 65536;
const unsigned UNTOUCHED = 0xffbfffffu;  // a NaN that arithmetic turns into another
const unsigned long long MARK = 0xffba0000ba0000ffull;

struct Barrier {
  unsigned expected, pending;
  unsigned phase;
};

/** What was written last to 16 bytes of shared memory, when, and by whom, as far as copies write it. */
struct Unit {
  long written;
  Fiber* writer;
  unsigned char bytes[16];
};

struct NamedBarrier {
  int count, arrived;
};

/** One warp's part of a product that is under way. */
struct Product {
  int group;
  int n;
  float* c[WARP_SIZE];
  const unsigned* a[WARP_SIZE];
  unsigned left[WARP_SIZE][4];
  std::vector<float> sums;           // [lane][n / 2], once it is done
  std::vector<unsigned> units;       // of b in shared memory
  std::vector<unsigned char> right;  // and what they held
};

struct Warp {
  std::vector<std::unique_ptr<Product>> products;
  int group;
  bool fenced;
  int registers;
  size_t started;
};

/** What a warpgroup's warps start, in order. */
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
    fail("a barrier in shared memory is used before it is set up");
  }
  unsigned long long mark;
  memcpy(&mark, at, 8);
  if (mark != MARK) {
    fail("a barrier in shared memory was overwritten");
  }
  return found->second;
}

/** Whether it ends the phase. */
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

/** Where element (n, k) of a product's right operand lies, in bytes from the start of shared memory. */
unsigned place(const ProductOperands& p, int n, int k) {
  unsigned start = (p.b & 0x3fff) << 4, leading = (p.b >> 16 & 0x3fff) << 4, stride = (p.b >> 32 & 0x3fff) << 4;
  unsigned at = p.columns ? start + n / 64 * leading + n % 64 * 2 + k / 8 * stride + k % 8 * 128
                          : start + n / 8 * stride + n % 8 * 128 + k * 2;
  return at ^ (at >> 7 & 7) << 4;
}

/** Looks at a unit of a right operand; its bytes, which products must be able to see. */
const unsigned char* look(unsigned address, const Fiber* warp) {
  if (address < BASE || address + 16 > BASE + shared_bytes) {
    fail("a product reads beyond shared memory");
  }
  units.resize(shared_bytes / 16 + 1);
  unsigned index = (address - BASE) / 16;
  const Unit& unit = units[index];
  const unsigned char* bytes = shared_memory + index * 16;
  if (unit.writer == nullptr || memcmp(unit.bytes, bytes, 16) != 0) {
    fail("a product reads shared memory that no copy has filled");
  }
  bool shown = true;
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    shown &= warp[lane].shown >= unit.written;
  }
  if (!shown && unit.writer->shown < unit.written) {
    fail("a product reads shared memory that no fence has shown it");
  }
  return bytes;
}

void complete(Warp& warp, size_t index) {
  Product& product = *warp.products[index];
  for (size_t i = 0; i < product.units.size(); i++) {
    if (memcmp(shared_memory + product.units[i] - BASE, &product.right[16 * i], 16) != 0) {
      fail("shared memory changes while a product reads it");
    }
  }
  bool last = true;
  for (size_t i = index + 1; i < warp.products.size(); i++) {
    last &= warp.products[i]->c[0] != product.c[0];
  }
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    if (memcmp(product.left[lane], product.a[lane], 16) != 0) {
      fail("registers change while a product reads them");
    }
    for (int i = 0; last && i < product.n / 2; i++) {
      if (memcmp(&product.c[lane][i], &UNTOUCHED, 4) != 0) {
        fail("registers change while a product forms its sums there");
      }
      product.c[lane][i] = product.sums[lane * product.n / 2 + i];
    }
  }
}

/** Lands the copies that come before an arrival. */
bool land_next(bool backwards) {
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
        land(&fiber, copy);
      } else {
        fiber.copies[kept++] = copy;
      }
    }
    fiber.copies.resize(kept);
    if (arrive_landed(&fiber)) {
      break;
    }
  }
  return barrier != nullptr;
}

/** Lets one warp go on that let others go first. */
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
    warp.products.clear();
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
    if (!warps[w].products.empty()) {
      return "a warp ends while products are under way";
    }
    if (warps[w].started != first.started) {
      return "the warps of a warpgroup start different numbers of products";
    }
    if (warps[w].registers != first.registers) {
      return "the warps of a warpgroup have different numbers of registers";
    }
    sum += WARP_SIZE * abs(warps[w].registers);
  }
  if (sum > REGISTERS) {
    return "the threads of a block take more registers than there are";
  }
  for (const NamedBarrier& barrier : named) {
    if (barrier.arrived != 0) {
      return "threads have arrived at a named barrier that nobody waits at";
    }
  }
  return nullptr;
}

bool end_late(bool backwards) {
  return backwards ? resume_next(true) || land_next(true) : land_next(false) || resume_next(false);
}

void note_write(Fiber* fiber, size_t index) {
  units.resize(shared_bytes / 16 + 1);
  used = true;
  Unit& unit = units[index];
  unit.written = ++now;
  unit.writer = fiber;
  memcpy(unit.bytes, shared_memory + 16 * index, 16);
}

bool arrive_landed(Fiber* fiber) {
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
    fail("a barrier in shared memory is misaligned, set up twice or for nobody");
  }
  used = true;
  memcpy(barrier, &MARK, 8);
  barriers[barrier] = {count, count, 0};
}

void arrive(const void* barrier) {
  if (count_arrival(barrier)) {
    let_others_go_first();
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
    fail("a named barrier is not 1 to 15, or not for whole warps");
  }
  NamedBarrier& barrier = named[id];
  if (barrier.arrived == 0) {
    barrier.count = count;
  } else if (barrier.count != count) {
    fail("threads arrive at a named barrier for different numbers of threads");
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
    fail("a warp asks for a number of registers that can't be had");
  }
  warps[current->id / WARP_SIZE].registers = asked;
}

unsigned shared_address(const void* shared) { return (unsigned)((const unsigned char*)shared - shared_memory) + BASE; }
void* shared_pointer(unsigned address) { return shared_memory + (address - BASE); }

void show_products() { current->shown = now; }

void begin_products(Lane*) { warps[current->id / WARP_SIZE].fenced = true; }

/** wgmma.mma_async.m64nNk16, one warp's 16 rows: PTX manual, "Matrix fragments for wgmma.mma_async.m64nNk16". */
void start_product(Lane* lanes) {
  used = true;
  int id = current->id / WARP_SIZE;
  Warp& warp = warps[id];
  const ProductOperands& p = *(const ProductOperands*)lanes[0].in;
  if (threads % GROUP_SIZE != 0) {
    fail("a product needs whole warpgroups");
  }
  if (!warp.fenced) {
    fail("a product starts without a fence for its registers");
  }
  const unsigned long long offsets = 0x00003fff3fff3fffull;
  if ((p.b & ~offsets) != 1ull << 62) {
    fail("a product's descriptor is not of the layout with 128-byte swizzle");
  }
  std::vector<Started>& log = started[id / 4];
  if (warp.started == log.size()) {
    log.push_back({p.b, p.n, p.columns, p.add});
  }
  const Started& same = log[warp.started++];
  if (same.b != p.b || same.n != p.n || same.columns != p.columns || same.add != p.add) {
    fail("the warps of a warpgroup start different products");
  }
  auto product = std::make_unique<Product>();
  product->group = warp.group;
  product->n = p.n;
  product->sums.resize(WARP_SIZE * p.n / 2);
  const Product* before = nullptr;
  for (auto& each : warp.products) {
    if (each->c[0] == p.c) {
      before = each.get();
    }
  }
  float a[16][16];
  std::vector<float> b(p.n * 16);
  const Fiber* warp_fibers = &fibers[id * WARP_SIZE];
  for (int lane = 0; lane < WARP_SIZE; lane++) {
    const ProductOperands& own = *(const ProductOperands*)lanes[lane].in;
    if (own.b != p.b || own.add != p.add) {
      fail("the lanes of a warp start different products");
    }
    product->c[lane] = own.c;
    product->a[lane] = own.a;
    memcpy(product->left[lane], own.a, 16);
    for (int i = 0; i < 8; i++) {
      a[lane / 4 + i / 2 % 2 * 8][lane % 4 * 2 + i % 2 + i / 4 * 8] = bf16(own.a[i / 2] >> 16 * (i % 2) & 0xffff);
    }
  }
  // Eight neighbours along the rows of shared memory are a unit.
  for (int outer = 0; outer < (p.columns ? 16 : p.n); outer++) {
    for (int inner = 0; inner < (p.columns ? p.n : 16); inner += 8) {
      unsigned address = place(p, p.columns ? inner : outer, p.columns ? outer : inner);
      if (address % 16 != 0) {
        fail("a product's operand is not aligned to 16 bytes");
      }
      const unsigned char* bytes = look(address, warp_fibers);
      product->units.push_back(address);
      product->right.insert(product->right.end(), bytes, bytes + 16);
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
      float* c = product->c[lane];
      float sum = 0;
      if (p.add) {
        if (before != nullptr && memcmp(&c[i], &UNTOUCHED, 4) != 0) {
          fail("registers change while a product forms its sums there");
        }
        sum = before != nullptr ? before->sums[lane * p.n / 2 + i] : c[i];
      }
      product->sums[lane * p.n / 2 + i] = sum + row[n];
      memcpy(&c[i], &UNTOUCHED, 4);
    }
  }
  warp.products.push_back(std::move(product));
}

void commit_products(Lane*) { warps[current->id / WARP_SIZE].group++; }

void let_others_go_first() {
  current->state = State::LATE;
  leave();
}

void wait_products(Lane* lanes) {
  Warp& warp = warps[current->id / WARP_SIZE];
  int before = warp.group - (int)lanes[0].argument;
  size_t done = 0;
  while (done < warp.products.size() && warp.products[done]->group < before) {
    complete(warp, done++);
  }
  warp.products.erase(warp.products.begin(), warp.products.begin() + done);
  // What comes next may touch registers.
  warp.fenced = false;
}

}  // namespace emulation
