// The functions of the driver, NVRTC and cuBLASLt that the backend calls, for the emulated device, to test bindings, memory, plans
// and launches without a GPU. The work of all streams is done in the order of the calls. A copy from the host is delayed until the
// next call with a stream, since a device may delay it as well. A captured stream records its work and does not run it. A call that
// the driver forbids during a capture fails and invalidates the capture.
//
// With LINGEN_EMULATED_DRY in the environment, it is a large device that computes nothing: memory has addresses but no bytes, kernels
// are not run, and copies to the host return made-up numbers. This tests the allocations of models that are too large for the host.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

extern "C" void* lingen_allocate(size_t bytes);
extern "C" size_t lingen_size(void* memory);
extern "C" int lingen_free(void* memory);
extern "C" int lingen_has(const char* kernel);
extern "C" const char* lingen_launch(const char* name, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                                     unsigned bz, size_t shared, const void* arguments, size_t argument_bytes,
                                     int backwards);
extern "C" void lingen_multiply(const void* x, const void* weight, const void* bias, void* out, long n, long m, long k,
                                int bf16, int out_bf16, int adds, int gelu);

namespace {

enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201, NOT_FOUND = 500,
       CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_WRONG_THREAD = 908 };

struct DelayedCopy {
  void* to;
  const void* from;
  size_t bytes;
};

std::recursive_mutex mutex;
std::vector<DelayedCopy> delayed;
std::string message = "no error";
int devices = 1, major = 9, minor = 0;
size_t total_bytes = (size_t)1 << 30, used_bytes = 0, live_blocks = 0;
int launches = 0, waits = 0, graph_launches = 0, live_graphs = 0;
char* next_stream = (char*)0x200;
std::map<char*, size_t> page_locked;

typedef std::vector<std::function<int()>> Graph;

// The current capture, if any: its stream and thread, the recorded work, and whether it is invalid.
struct {
  void* stream = nullptr;
  std::thread::id thread;
  Graph* graph = nullptr;
  bool invalid = false;
} capture;
thread_local bool has_context = false;
const bool dry = getenv("LINGEN_EMULATED_DRY") != nullptr;
std::map<void*, size_t> dry_blocks;
char* dry_end = (char*)((size_t)1 << 40);

typedef std::lock_guard<std::recursive_mutex> Lock;

void run_delayed() {
  for (const DelayedCopy& copy : delayed) {
    if (dry) {
      break;
    }
    memcpy(copy.to, copy.from, copy.bytes);
  }
  delayed.clear();
}

size_t device_bytes() { return dry ? (size_t)150000000000 : total_bytes; }

void* allocate(size_t bytes) {
  if (!dry) {
    return lingen_allocate(bytes);
  }
  void* address = dry_end;
  dry_end += (bytes + 255) / 256 * 256;
  dry_blocks[address] = bytes;
  return address;
}

int fail(int status, const std::string& text) {
  message = text;
  return status;
}

bool captured(void* stream) { return capture.graph != nullptr && stream == capture.stream; }

// Whether the calling thread captures a stream, and so must not wait or allocate. Invalidates the capture if so.
bool forbidden() {
  if (capture.graph == nullptr || capture.thread != std::this_thread::get_id()) {
    return false;
  }
  capture.invalid = true;
  message = "operation not permitted when stream is capturing";
  return true;
}

bool is_page_locked(const void* memory, size_t bytes) {
  auto block = page_locked.upper_bound((char*)memory);
  if (block == page_locked.begin()) {
    return false;
  }
  --block;
  return (char*)memory + bytes <= block->first + block->second;
}

}  // namespace

extern "C" {

// ---- functions for the tests

void emulated_configure(int device_count, int capability_major, int capability_minor, size_t bytes) {
  devices = device_count;
  major = capability_major;
  minor = capability_minor;
  total_bytes = bytes;
}
size_t emulated_live_blocks() { return live_blocks; }
int emulated_waits() { return waits; }
int emulated_graph_launches() { return graph_launches; }
int emulated_live_graphs() { return live_graphs; }
// Replaces a function of the driver, and fails.
int emulated_failure() { return fail(CAPTURE_UNSUPPORTED, "the emulated driver is configured to fail here"); }

// ---- the driver

int cuInit(unsigned) { return devices > 0 ? SUCCESS : fail(NO_DEVICE, "no CUDA-capable device is detected"); }
int cuDriverGetVersion(int* version) {
  *version = 13000;
  return SUCCESS;
}
int cuDeviceGetCount(int* count) {
  *count = devices;
  return SUCCESS;
}
int cuDeviceGet(int* device, int index) {
  *device = index;
  return SUCCESS;
}
int cuDeviceGetName(char* name, int length, int) {
  snprintf(name, length, "emulated device");
  return SUCCESS;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  switch (attribute) {
    case 75: *value = major; break;
    case 76: *value = minor; break;
    case 16: *value = dry ? 132 : 2; break;
    case 97: *value = 232448; break;
    case 81: *value = 233472; break;
    default: return fail(INVALID_VALUE, "unknown attribute");
  }
  return SUCCESS;
}
int cuDeviceTotalMem_v2(size_t* bytes, int) {
  *bytes = device_bytes();
  return SUCCESS;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  *context = (void*)0x100;
  return SUCCESS;
}
int cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
int cuCtxSetCurrent(void* context) {
  has_context = context != nullptr;
  return SUCCESS;
}
int cuStreamCreate(void** stream, unsigned) {
  Lock lock(mutex);
  *stream = next_stream;
  next_stream += 0x10;
  return SUCCESS;
}
int cuStreamDestroy_v2(void*) { return SUCCESS; }
int cuStreamSynchronize(void*) {
  Lock lock(mutex);
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  run_delayed();
  waits++;
  return has_context ? SUCCESS : fail(INVALID_CONTEXT, "no context is current to this thread");
}
int cuMemAllocAsync(void** address, size_t bytes, void*) {
  Lock lock(mutex);
  if (!has_context) {
    return fail(INVALID_CONTEXT, "no context is current to this thread");
  }
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  if (bytes == 0) {
    return fail(INVALID_VALUE, "invalid argument");
  }
  if (bytes > device_bytes() - used_bytes) {
    return fail(OUT_OF_MEMORY, "out of memory");
  }
  *address = allocate(bytes);
  used_bytes += bytes;
  live_blocks++;
  return SUCCESS;
}
int cuMemFreeAsync(void* address, void*) {
  Lock lock(mutex);
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  run_delayed();
  live_blocks--;
  if (dry) {
    used_bytes -= dry_blocks[address];
    dry_blocks.erase(address);
    return SUCCESS;
  }
  used_bytes -= lingen_size(address);
  return lingen_free(address) == 0 ? SUCCESS : fail(INVALID_VALUE, "a kernel wrote beyond a block of memory");
}
int cuMemGetInfo_v2(size_t* free, size_t* total) {
  Lock lock(mutex);
  *free = device_bytes() - used_bytes;
  *total = device_bytes();
  return SUCCESS;
}
int cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
  Lock lock(mutex);
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  *memory = malloc(bytes);
  page_locked[(char*)*memory] = bytes;
  return SUCCESS;
}
int cuMemFreeHost(void* memory) {
  Lock lock(mutex);
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  page_locked.erase((char*)memory);
  free(memory);
  return SUCCESS;
}
int cuMemcpyHtoDAsync_v2(void* target, const void* source, size_t bytes, void* stream) {
  Lock lock(mutex);
  if (!is_page_locked(source, bytes)) {
    return forbidden() ? CAPTURE_UNSUPPORTED : fail(INVALID_VALUE, "a copy from memory that is not page-locked is synchronous");
  }
  if (captured(stream)) {
    capture.graph->push_back([=] {
      memcpy(target, source, bytes);
      return SUCCESS;
    });
    return SUCCESS;
  }
  delayed.push_back({target, source, bytes});
  return SUCCESS;
}
int cuMemcpyDtoDAsync_v2(void* target, const void* source, size_t bytes, void* stream) {
  Lock lock(mutex);
  auto work = [=] {
    if (!dry) {
      memmove(target, source, bytes);
    }
    return SUCCESS;
  };
  if (captured(stream)) {
    capture.graph->push_back(work);
    return SUCCESS;
  }
  run_delayed();
  return work();
}
int cuMemcpyDtoHAsync_v2(void* target, const void* source, size_t bytes, void*) {
  Lock lock(mutex);
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  run_delayed();
  if (dry) {
    // Valid numbers in both types: the bits of 1 and -0.5.
    const unsigned short some[4] = {0x3f80, 0x3f80, 0xbf00, 0xbf00};
    for (size_t i = 0; i < bytes / 2; i++) {
      ((unsigned short*)target)[i] = some[i % 4];
    }
    return SUCCESS;
  }
  memcpy(target, source, bytes);
  return SUCCESS;
}
int cuModuleLoadData(void** module, const void* image) {
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  if (memcmp(image, "emulated ", 9) != 0) {
    return fail(200, "device kernel image is invalid");
  }
  if (strstr((const char*)image, " for sm_90a") != nullptr && (major != 9 || minor != 0)) {
    return fail(209, "no kernel image is available for execution on the device");
  }
  *module = (void*)0x400;
  return SUCCESS;
}
int cuModuleUnload(void*) { return SUCCESS; }
int cuModuleGetFunction(void** function, void*, const char* name) {
  if (!lingen_has(name)) {
    return fail(NOT_FOUND, std::string("named symbol not found: ") + name);
  }
  *function = strdup(name);
  return SUCCESS;
}
int cuFuncSetAttribute(void*, int attribute, int value) {
  return attribute == 8 && value <= 232448 ? SUCCESS : fail(INVALID_VALUE, "invalid argument");
}
int cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void* stream, void** parameters, void** extra) {
  Lock lock(mutex);
  if (!has_context) {
    return fail(INVALID_CONTEXT, "no context is current to this thread");
  }
  if (parameters != nullptr || extra == nullptr || extra[0] != (void*)1 || extra[2] != (void*)2 || extra[4] != nullptr) {
    return fail(INVALID_VALUE, "parameters must be in one buffer");
  }
  std::string arguments((const char*)extra[1], *(const size_t*)extra[3]);
  auto work = [=] {
    // Alternate launches run their threads from the last to the first, so that a missing barrier fails in one of the two orders.
    const char* failure = dry ? nullptr
                              : lingen_launch((const char*)function, gx, gy, gz, bx, by, bz, shared, arguments.data(),
                                              arguments.size(), launches++ % 2);
    return failure == nullptr ? SUCCESS : fail(INVALID_VALUE, failure);
  };
  if (captured(stream)) {
    capture.graph->push_back(work);
    return SUCCESS;
  }
  run_delayed();
  return work();
}
int cuStreamBeginCapture_v2(void* stream, int mode) {
  Lock lock(mutex);
  if (capture.graph != nullptr || mode != 1) {
    return fail(INVALID_VALUE, "one capture at a time, of one thread");
  }
  capture.stream = stream;
  capture.thread = std::this_thread::get_id();
  capture.graph = new Graph;
  capture.invalid = false;
  live_graphs++;
  return SUCCESS;
}
int cuStreamEndCapture(void* stream, Graph** graph) {
  Lock lock(mutex);
  *graph = nullptr;
  if (!captured(stream)) {
    return fail(INVALID_VALUE, "the stream is not captured");
  }
  if (capture.thread != std::this_thread::get_id()) {
    return fail(CAPTURE_WRONG_THREAD, "a capture ends on the thread that began it");
  }
  Graph* made = capture.graph;
  capture.graph = nullptr;
  if (capture.invalid) {
    delete made;
    live_graphs--;
    return fail(CAPTURE_INVALIDATED, "operation failed due to a previous error during capture");
  }
  *graph = made;
  return SUCCESS;
}
int cuGraphInstantiateWithFlags(Graph** executable, Graph* graph, unsigned long long flags) {
  Lock lock(mutex);
  if (flags != 0) {
    return fail(INVALID_VALUE, "unknown flags");
  }
  *executable = new Graph(*graph);
  live_graphs++;
  return SUCCESS;
}
int cuGraphLaunch(Graph* executable, void* stream) {
  Lock lock(mutex);
  if (captured(stream) || forbidden()) {
    return fail(INVALID_VALUE, "a graph within a graph is not emulated");
  }
  run_delayed();
  graph_launches++;
  for (const auto& node : *executable) {
    int status = node();
    if (status != SUCCESS) {
      return status;
    }
  }
  return SUCCESS;
}
int cuGraphExecDestroy(Graph* executable) {
  Lock lock(mutex);
  delete executable;
  live_graphs--;
  return SUCCESS;
}
int cuGraphDestroy(Graph* graph) { return cuGraphExecDestroy(graph); }
int cuEventCreate(void** event, unsigned) {
  *event = (void*)0x500;
  return SUCCESS;
}
int cuEventRecord(void*, void*) { return SUCCESS; }
int cuEventSynchronize(void*) {
  Lock lock(mutex);
  if (forbidden()) {
    return CAPTURE_UNSUPPORTED;
  }
  run_delayed();
  return SUCCESS;
}
int cuEventElapsedTime(float* millis, void*, void*) {
  *millis = 1;
  return SUCCESS;
}
int cuEventDestroy_v2(void*) { return SUCCESS; }
int cuGetErrorString(int, const char** text) {
  *text = message.c_str();
  return SUCCESS;
}

// ---- NVRTC: the binary is the name of the source and of the architecture

struct Program {
  std::string name;
  std::string architecture;
};

int nvrtcVersion(int* version_major, int* version_minor) {
  *version_major = 0;
  *version_minor = 1;
  return 0;
}
static const int ARCHITECTURES[] = {80, 86, 90, 100, 120};
int nvrtcGetNumSupportedArchs(int* count) {
  *count = std::size(ARCHITECTURES);
  return 0;
}
int nvrtcGetSupportedArchs(int* architectures) {
  std::copy(std::begin(ARCHITECTURES), std::end(ARCHITECTURES), architectures);
  return 0;
}
int nvrtcCreateProgram(Program** program, const char* source, const char* name, int headers, const char* const* texts,
                       const char* const* names) {
  if (strstr(source, "KERNEL") == nullptr || headers != 5 || strstr(texts[1], "DEVICE") == nullptr
      || strcmp(names[1], "device.cuh") != 0) {
    return 3;
  }
  *program = new Program{name, ""};
  return 0;
}
int nvrtcDestroyProgram(Program** program) {
  delete *program;
  return 0;
}
int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  if (count != 2 || strncmp(options[0], "--gpu-architecture=sm_", 22) != 0) {
    return 6;
  }
  program->architecture = options[0] + 19;
  bool special = program->name.find("_sm90") != std::string::npos;
  return special == (program->architecture == "sm_90a") ? 0 : 6;
}
int nvrtcGetCUBINSize(Program* program, size_t* size) {
  *size = program->name.size() + program->architecture.size() + 15;
  return 0;
}
int nvrtcGetCUBIN(Program* program, char* cubin) {
  strcpy(cubin, ("emulated " + program->name + " for " + program->architecture).c_str());
  return 0;
}
int nvrtcGetProgramLogSize(Program*, size_t* size) {
  *size = 5;
  return 0;
}
int nvrtcGetProgramLog(Program*, char* log) {
  strcpy(log, "none");
  return 0;
}

// ---- cuBLASLt, with matrices in column-major order

struct Operation {
  int compute, transpose_a, epilogue;
  const void* bias;
};
struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t pitch;
};

int cublasLtCreate(void** handle) {
  *handle = (void*)0x600;
  return 0;
}
int cublasLtDestroy(void*) { return 0; }
int cublasLtMatmulDescCreate(Operation** operation, int compute, int scale) {
  *operation = new Operation{compute, 0, 1, nullptr};
  return compute == 68 && scale == 0 ? 0 : 7;
}
int cublasLtMatmulDescDestroy(Operation* operation) {
  delete operation;
  return 0;
}
int cublasLtMatmulDescSetAttribute(Operation* operation, int attribute, const void* value, size_t bytes) {
  if (attribute == 3 && bytes == 4) {
    operation->transpose_a = *(const int*)value;
  } else if (attribute == 7 && bytes == 4) {
    operation->epilogue = *(const int*)value;
  } else if (attribute == 8 && bytes == 8) {
    operation->bias = *(const void* const*)value;
  } else {
    return 7;
  }
  return 0;
}
int cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t columns, int64_t pitch) {
  *layout = new Layout{type, rows, columns, pitch};
  return 0;
}
int cublasLtMatrixLayoutDestroy(Layout* layout) {
  delete layout;
  return 0;
}
int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = (void*)0x700;
  return 0;
}
int cublasLtMatmulPreferenceDestroy(void*) { return 0; }
int cublasLtMatmulPreferenceSetAttribute(void*, int attribute, const void*, size_t bytes) {
  return (attribute == 1 && bytes == 8) || (attribute >= 5 && attribute <= 8 && bytes == 4) ? 0 : 7;
}
int cublasLtMatmulAlgoGetHeuristic(void*, Operation* operation, Layout* a, Layout* b, Layout* c, Layout* d, void*, int wanted,
                                   void* result, int* found) {
  bool fits = operation->transpose_a == 1 && a->rows == b->rows && a->columns == c->rows && b->columns == c->columns
      && c == d && a->type == b->type && a->pitch == (int64_t)a->rows && d->pitch == (int64_t)d->rows && wanted == 1;
  // Like the library, it has no algorithm for some problems: here, for BF16 rows of an odd length.
  bool supported = a->type == 0 ? d->type == 0 : a->rows % 2 == 0 && (d->type == 0 || d->type == 14);
  *found = fits && supported ? 1 : 0;
  memset(result, 0, 96);
  memcpy(result, "algorithm", 9);
  return fits ? (supported ? 0 : 15) : 7;
}
int cublasLtMatmul(void*, Operation* operation, const float* alpha, const void* a, Layout* la, const void* b, Layout* lb,
                   const float* beta, const void* c, Layout*, void* d, Layout* ld, const void* algorithm, void* workspace,
                   size_t workspace_bytes, void* stream) {
  if (*alpha != 1 || c != d || strcmp((const char*)algorithm, "algorithm") != 0 || workspace == nullptr
      || workspace_bytes != (32u << 20)) {
    return 7;
  }
  const void* bias = operation->epilogue & 4 ? operation->bias : nullptr;
  static std::atomic<long> calls{0};
  long call = ++calls;
  // Write to the workspace, and check it before computing the result, which is NaN if another call used the workspace meanwhile.
  auto begin = [=] {
    if (!dry) {
      *(long*)workspace = call;
    }
    return SUCCESS;
  };
  auto end = [rows = (long)lb->columns, columns = (long)la->columns, depth = (long)la->rows, bf16 = la->type == 14,
              out_bf16 = ld->type == 14, adds = *beta == 1, gelu = operation->epilogue & 32, a, b, bias, d, workspace, call] {
    if (!dry && *(long*)workspace == call) {
      lingen_multiply(b, a, bias, d, rows, columns, depth, bf16, out_bf16, adds, gelu);
    } else if (!dry) {
      memset(d, 0xff, rows * columns * (out_bf16 ? 2 : 4));
    }
    return SUCCESS;
  };
  {
    Lock lock(mutex);
    if (captured(stream)) {
      capture.graph->push_back(begin);
      capture.graph->push_back(end);
      return 0;
    }
    run_delayed();
    begin();
  }
  // Other threads can use the stream between the two steps.
  std::this_thread::sleep_for(std::chrono::microseconds(50));
  Lock lock(mutex);
  run_delayed();
  end();
  return 0;
}

}  // extern "C"
