// Mamba2's selective scan in its chunked form (Dao & Gu, "Transformers are SSMs", 2024, section 6) on tensor cores.
//
// A block walks one segment of the sequence for one head, chunk by chunk of 64 tokens, its state [P, n] in registers. Segments make
// blocks enough to fill the device: first every segment finds the state that it would leave behind if it began with none, then those are
// carried from segment to segment, then all segments run again from their true states and write y. Nothing but those states, B, C and
// dt ever goes to memory between the projection and y.
#include "device.cuh"
#include "path.cuh"

struct Scan {
  const void* projection;  // [rows, columns]
  const float* conv_weight;  // [di + 2 G n, taps]
  const float* conv_bias;
  const float* dt_bias;
  const float* a_log;
  const float* d;
  void* bc;       // [steps, 2, G, n padded]: B and C along the path, BF16 or F32
  float* dt;      // [H, steps]
  float* states;  // [segments, H, P, n]: left by a segment, then what the next begins with
  float* decays;  // [segments, H]: the logarithm of a segment's decay
  void* y;        // [cells, di]
  i64 columns;
  i64 x_column;
  i64 b_column;
  i64 c_column;
  i64 dt_column;
  int projection_bf16;
  int bc_bf16;
  int y_bf16;
  int heads;
  int head_dim;
  int state;
  int padded_state;
  int groups;
  int taps;
  int accumulate;
  int segments;
  int chunks_per_segment;
  int emit;
  Path path;
};

/** SiLU of the causal convolution of one channel at one step. */
DEVICE float convolved(const Scan& p, int step, i64 column, int channel) {
  float sum = p.conv_bias[channel];
  for (int tap = 0; tap < p.taps; tap++) {
    int from = step - (p.taps - 1) + tap;
    if (from >= 0) {
      sum += p.conv_weight[(i64)channel * p.taps + tap]
          * get(p.projection, p.projection_bf16, p.path.row(from) * p.columns + column);
    }
  }
  return silu(sum);
}

/** B, C and dt of every step, in the path's order; the padding of a state's width is 0. A block per step. */
KERNEL(256, scan_prepare, Scan) {
  int step = blockIdx.x;
  int width = p.groups * p.padded_state;
  int di = p.heads * p.head_dim;
  for (int i = threadIdx.x; i < 2 * width; i += blockDim.x) {
    int is_c = i >= width;
    int group = (i - is_c * width) / p.padded_state, n = i % p.padded_state;
    float v = 0;
    if (n < p.state) {
      int channel = group * p.state + n;
      v = convolved(p, step, (is_c ? p.c_column : p.b_column) + channel, di + is_c * p.groups * p.state + channel);
    }
    put(p.bc, p.bc_bf16, (i64)step * 2 * width + i, v);
  }
  i64 row = p.path.row(step);
  for (int head = threadIdx.x; head < p.heads; head += blockDim.x) {
    float v = get(p.projection, p.projection_bf16, row * p.columns + p.dt_column + head) + p.dt_bias[head];
    p.dt[(i64)head * p.path.steps() + step] = softplus(v);
  }
}

#define CHUNK 64
#define HEAD 64
#define MAX_TAPS 8
#define X_PITCH (HEAD + 8)

/** One head, one segment; N is the padded width of the state. */
template <int N>
DEVICE void scan(const Scan& p) {
  DYNAMIC_SHARED(memory);
  const int PITCH = N + 8;
  u16* b = (u16*)memory;                     // [CHUNK][PITCH]
  u16* c = b + CHUNK * PITCH;                // [CHUNK][PITCH]
  u16* old_state = c + CHUNK * PITCH;        // [HEAD][PITCH]
  u16* x = old_state + HEAD * PITCH;         // [CHUNK][X_PITCH]
  u16* weighted = x + CHUNK * X_PITCH;       // x_j exp(s_last - s_j) dt_j
  float* s = (float*)(weighted + CHUNK * X_PITCH);  // inclusive sums of dt A
  float* dt = s + CHUNK;
  float* conv = dt + CHUNK;                  // [MAX_TAPS + 1][HEAD], the bias last
  int* rows = (int*)(conv + (MAX_TAPS + 1) * HEAD);  // of the chunk and of the taps - 1 steps before it
  int thread = threadIdx.x, lane = thread % WARP, warp = thread / WARP;
  int head = blockIdx.x, segment = blockIdx.y;
  int group = head / (p.heads / p.groups);
  int steps = p.path.steps();
  float a = -expf(p.a_log[head]);
  float skip = p.d[head];
  i64 x_column = p.x_column + (i64)head * p.head_dim;
  i64 bc_pitch = 2 * (i64)p.groups * p.padded_state;
  const u16* bs = (const u16*)p.bc + (i64)group * p.padded_state;
  const u16* cs = bs + (i64)p.groups * p.padded_state;
  for (int i = thread; i < (p.taps + 1) * HEAD; i += 128) {
    int tap = i / HEAD, channel = i % HEAD;
    i64 at = (i64)head * p.head_dim + channel;
    float v = 0;
    if (channel < p.head_dim) {
      v = tap == p.taps ? p.conv_bias[at] : p.conv_weight[at * p.taps + tap];
    }
    conv[i] = v;
  }

  // A warp holds the state of 16 of the head's columns.
  float state[N / 8][4];
  i64 state_at = (((i64)segment * p.heads + head) * p.head_dim) * p.state;
#pragma unroll
  for (int i = 0; i < N / 8; i++) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
      int row = warp * 16 + lane / 4 + k / 2 * 8, n = i * 8 + lane % 4 * 2 + k % 2;
      bool loads = p.emit && p.segments > 1 && row < p.head_dim && n < p.state;
      state[i][k] = loads ? p.states[state_at + (i64)row * p.state + n] : 0;
    }
  }
  float decay_sum = 0;

  int first_chunk = segment * p.chunks_per_segment;
  int end = min(steps, (first_chunk + p.chunks_per_segment) * CHUNK);
  for (int start = first_chunk * CHUNK; start < end; start += CHUNK) {
    int count = min(CHUNK, end - start);
    bool emits = p.emit && start + count > p.path.warm_up();
    __syncthreads();
    for (int i = thread; i < CHUNK * (N / 8); i += 128) {
      int token = i / (N / 8), n = i % (N / 8) * 8;
      if (token < count) {
        copy_async(b + token * PITCH + n, bs + (start + token) * bc_pitch + n);
        if (emits) {
          copy_async(c + token * PITCH + n, cs + (start + token) * bc_pitch + n);
        }
      } else {
        *(uint4*)(b + token * PITCH + n) = make_uint4(0, 0, 0, 0);
        *(uint4*)(c + token * PITCH + n) = make_uint4(0, 0, 0, 0);
      }
    }
    commit_copies();
    for (int i = thread; i < CHUNK + p.taps - 1; i += 128) {
      int step = start - (p.taps - 1) + i;
      rows[i] = step >= 0 && step < end ? p.path.row(step) : -1;
    }
    if (warp == 0) {
      // Two tokens a lane; beyond the end dt is 0: no decay and no input.
      const float* from = p.dt + (i64)head * steps + start;
      float dt0 = 2 * lane < count ? from[2 * lane] : 0;
      float dt1 = 2 * lane + 1 < count ? from[2 * lane + 1] : 0;
      float sum = (dt0 + dt1) * a;
#pragma unroll
      for (int offset = 1; offset < WARP; offset *= 2) {
        float before = __shfl_up_sync(ALL_LANES, sum, offset);
        sum += lane >= offset ? before : 0;
      }
      dt[2 * lane] = dt0;
      dt[2 * lane + 1] = dt1;
      s[2 * lane] = sum - dt1 * a;
      s[2 * lane + 1] = sum;
    }
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k += 2) {
        int row = warp * 16 + lane / 4 + k / 2 * 8, n = i * 8 + lane % 4 * 2;
        *(u32*)(old_state + row * PITCH + n) = pack_bf16(state[i][k], state[i][k + 1]);
      }
    }
    __syncthreads();
    float last = s[CHUNK - 1];
    {
      // Eight channels of four consecutive tokens a thread.
      int channel = thread % 8 * 8, token = thread / 8 * 4;
      float sums[4][8];
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int e = 0; e < 8; e++) {
          sums[i][e] = conv[p.taps * HEAD + channel + e];
        }
      }
      for (int i = 0; i < 4 + p.taps - 1; i++) {
        int row = rows[token + i];
        if (row >= 0 && channel < p.head_dim) {
          float v[8];
          get8(p.projection, p.projection_bf16, row * p.columns + x_column + channel, p.head_dim - channel, v);
#pragma unroll
          for (int k = 0; k < 4; k++) {
            int tap = i - k;
            if (tap >= 0 && tap < p.taps) {
#pragma unroll
              for (int e = 0; e < 8; e++) {
                sums[k][e] += conv[tap * HEAD + channel + e] * v[e];
              }
            }
          }
        }
      }
#pragma unroll
      for (int k = 0; k < 4; k++) {
        float weight = expf(last - s[token + k]) * dt[token + k];
        float plain[8], scaled[8];
#pragma unroll
        for (int e = 0; e < 8; e++) {
          plain[e] = token + k < count ? silu(sums[k][e]) : 0;
          scaled[e] = plain[e] * weight;
        }
        *(uint4*)(x + (token + k) * X_PITCH + channel) = pack8(plain);
        *(uint4*)(weighted + (token + k) * X_PITCH + channel) = pack8(scaled);
      }
    }
    wait_copies<0>();
    __syncthreads();

    if (emits) {
      // A warp owns 16 tokens i: first exp(s_i) C_i . old state, then what the chunk's own tokens j <= i add.
      u32 left[N / 16][4];
#pragma unroll
      for (int k = 0; k < N / 16; k++) {
        load_matrices(left[k], c + (warp * 16 + lane % 16) * PITCH + k * 16 + lane / 16 * 8);
      }
      float y[HEAD / 8][4];
#pragma unroll
      for (int i = 0; i < HEAD / 8; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          y[i][k] = 0;
        }
      }
#pragma unroll
      for (int k = 0; k < N / 16; k++) {
#pragma unroll
        for (int i = 0; i < HEAD / 16; i++) {
          u32 right[4];
          load_matrices(
              right, old_state + (i * 16 + lane % 8 + lane / 16 * 8) * PITCH + k * 16 + lane / 8 % 2 * 8);
          mma_bf16(y[2 * i], left[k], right);
          mma_bf16(y[2 * i + 1], left[k], right + 2);
        }
      }
      float own[2] = {s[warp * 16 + lane / 4], s[warp * 16 + lane / 4 + 8]};
      float factor[2] = {expf(own[0]), expf(own[1])};
#pragma unroll
      for (int i = 0; i < HEAD / 8; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
          y[i][k] *= factor[k / 2];
        }
      }
      // Tokens j in steps of 16, none beyond the warp's own.
      for (int j = 0; j <= warp; j++) {
        float scores[2][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
#pragma unroll
        for (int k = 0; k < N / 16; k++) {
          u32 right[4];
          load_matrices(right, b + (j * 16 + lane % 8 + lane / 16 * 8) * PITCH + k * 16 + lane / 8 % 2 * 8);
          mma_bf16(scores[0], left[k], right);
          mma_bf16(scores[1], left[k], right + 2);
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
          for (int k = 0; k < 4; k++) {
            int from = j * 16 + i * 8 + lane % 4 * 2 + k % 2;
            int to = warp * 16 + lane / 4 + k / 2 * 8;
            // The difference first: exp(s_i) exp(-s_j) apart would overflow.
            scores[i][k] = from <= to ? scores[i][k] * expf(own[k / 2] - s[from]) * dt[from] : 0;
          }
        }
        u32 packed[4] = {
            pack_bf16(scores[0][0], scores[0][1]), pack_bf16(scores[0][2], scores[0][3]),
            pack_bf16(scores[1][0], scores[1][1]), pack_bf16(scores[1][2], scores[1][3])};
#pragma unroll
        for (int i = 0; i < HEAD / 16; i++) {
          u32 right[4];
          load_matrices_transposed(right, x + (j * 16 + lane % 16) * X_PITCH + i * 16 + lane / 16 * 8);
          mma_bf16(y[2 * i], packed, right);
          mma_bf16(y[2 * i + 1], packed, right + 2);
        }
      }
      i64 di = (i64)p.heads * p.head_dim;
#pragma unroll
      for (int r = 0; r < 2; r++) {
        int token = warp * 16 + lane / 4 + r * 8;
        if (token < count && start + token >= p.path.warm_up()) {
          i64 at = (i64)(rows[token + p.taps - 1] - p.path.prefix_cells) * di + (i64)head * p.head_dim;
#pragma unroll
          for (int i = 0; i < HEAD / 8; i++) {
            int column = i * 8 + lane % 4 * 2;
            float v[2];
#pragma unroll
            for (int k = 0; k < 2; k++) {
              v[k] = y[i][2 * r + k] + skip * from_bf16(x[token * X_PITCH + column + k]);
              if (p.accumulate && column + k < p.head_dim) {
                v[k] += get(p.y, p.y_bf16, at + column + k);
              }
            }
            put2(p.y, p.y_bf16, at + column, p.head_dim - column, v[0], v[1]);
          }
        }
      }
    }

    // state = exp(s_last) state + sum over j of weighted_j B_j^T
    float decay = expf(last);
    decay_sum += last;
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        state[i][k] *= decay;
      }
    }
#pragma unroll
    for (int j = 0; j < CHUNK / 16; j++) {
      u32 left[4];
      load_matrices_transposed(
          left, weighted + (j * 16 + lane % 8 + lane / 16 * 8) * X_PITCH + warp * 16 + lane / 8 % 2 * 8);
#pragma unroll
      for (int i = 0; i < N / 16; i++) {
        u32 right[4];
        load_matrices_transposed(right, b + (j * 16 + lane % 16) * PITCH + i * 16 + lane / 16 * 8);
        mma_bf16(state[2 * i], left, right);
        mma_bf16(state[2 * i + 1], left, right + 2);
      }
    }
  }
  if (!p.emit) {
#pragma unroll
    for (int i = 0; i < N / 8; i++) {
#pragma unroll
      for (int k = 0; k < 4; k++) {
        int row = warp * 16 + lane / 4 + k / 2 * 8, n = i * 8 + lane % 4 * 2 + k % 2;
        if (row < p.head_dim && n < p.state) {
          p.states[state_at + (i64)row * p.state + n] = state[i][k];
        }
      }
    }
    if (thread == 0) {
      p.decays[(i64)segment * p.heads + head] = decay_sum;
    }
  }
}

KERNEL(128, scan_bf16_16, Scan) { scan<16>(p); }
KERNEL(128, scan_bf16_32, Scan) { scan<32>(p); }
KERNEL(128, scan_bf16_64, Scan) { scan<64>(p); }
KERNEL(128, scan_bf16_128, Scan) { scan<128>(p); }

/** Turns the states that segments leave into those that they begin with. A thread per element of a head's state. */
KERNEL(256, scan_carry, Scan) {
  i64 width = (i64)p.head_dim * p.state;
  i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= p.heads * width) {
    return;
  }
  int head = (int)(i / width);
  float state = 0;
  for (int segment = 0; segment < p.segments; segment++) {
    float* at = p.states + (i64)segment * p.heads * width + i;
    float left = *at;
    *at = state;
    state = expf(p.decays[(i64)segment * p.heads + head]) * state + left;
  }
}

/** The recurrence itself in F32, for any sizes: a warp per channel, lanes share the state, which lies in shared memory. */
KERNEL(128, scan_plain, Scan) {
  DYNAMIC_SHARED(all_states);
  int lane = threadIdx.x % WARP;
  int channel = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  if (channel >= p.heads * p.head_dim) {
    return;
  }
  float* state = (float*)all_states + (threadIdx.x / WARP) * p.state;
  for (int n = lane; n < p.state; n += WARP) {
    state[n] = 0;
  }
  int head = channel / p.head_dim;
  int group = head / (p.heads / p.groups);
  float a = -expf(p.a_log[head]);
  float skip = p.d[head];
  i64 di = (i64)p.heads * p.head_dim;
  i64 bc_pitch = 2 * (i64)p.groups * p.padded_state;
  int steps = p.path.steps();
  for (int step = 0; step < steps; step++) {
    float dt = p.dt[(i64)head * steps + step];
    float decay = expf(dt * a);
    float x = convolved(p, step, p.x_column + channel, channel);
    const float* b = (const float*)p.bc + step * bc_pitch + (i64)group * p.padded_state;
    const float* c = b + (i64)p.groups * p.padded_state;
    float sum = 0;
    for (int n = lane; n < p.state; n += WARP) {
      float h = decay * state[n] + dt * x * b[n];
      state[n] = h;
      sum += h * c[n];
    }
    if (step >= p.path.warm_up()) {
      sum = warp_sum(sum) + skip * x;
      i64 at = (i64)(p.path.row(step) - p.path.prefix_cells) * di + channel;
      if (lane == 0) {
        put(p.y, p.y_bf16, at, p.accumulate ? get(p.y, p.y_bf16, at) + sum : sum);
      }
    }
  }
}
