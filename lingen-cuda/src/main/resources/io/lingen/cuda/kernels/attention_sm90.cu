// Attention on compute capability 9.0, after Shah et al., "FlashAttention-3" (2024). One warpgroup loads, and two compute 64
// queries each. All types are BF16, rows of heads must be copyable in units of 16 bytes, and there is no bias. attention.cu handles
// all other cases.
//
// Blocks are persistent. Each processes every n-th share of the work: a head and 128 queries of all tokens, or all queries of a
// window. The loads of the next 128 queries overlap with the computation. The scores of the next tile of keys are computed while
// the values of the previous tile are summed, and a warpgroup computes its exponentials while the other uses the tensor cores. Rows
// are gathered by cp.async, for windows as for complete sequences.
#include "attention.cuh"
#include "hopper.cuh"

#define QUERIES 128
#define CONSUMERS 2
#define STAGES 2

/** The barriers of each stage: data is complete (full), or no longer used (empty). The phases of all alternate. */
enum { PIECE_FULL, QUERIES_FULL, KEYS_FULL, VALUES_FULL, QUERIES_EMPTY, KEYS_EMPTY, VALUES_EMPTY, BARRIERS };

/** Up to 128 queries of a head, as computed by the loading warpgroup for the others. */
struct Piece {
  int head;  // -1 after the last piece
  int queries;
  int keys;
  int rows[QUERIES];  // of the matrices
};

/** The layout of shared memory. A tile [rows][D] consists of D / 64 tiles [rows][64] in the layout of descriptor(). */
template <int D, int KEYS>
struct Shared {
  static const u32 QUERY_BYTES = QUERIES * D * 2;
  static const u32 KEY_BYTES = KEYS * D * 2;

  unsigned char* memory;

  DEVICE u32 keys(u32 stage) const { return shared_address(memory) + stage * KEY_BYTES; }
  DEVICE u32 values(u32 stage) const { return shared_address(memory) + (STAGES + stage) * KEY_BYTES; }
  DEVICE unsigned char* queries(u32 stage) const { return memory + 2 * STAGES * KEY_BYTES + stage * QUERY_BYTES; }
  DEVICE u16* out() const { return (u16*)queries(STAGES); }
  DEVICE u64* barrier(int which, u32 stage) const { return (u64*)(out() + QUERIES * D) + which * STAGES + stage; }
  DEVICE Piece* piece(u32 stage) const { return (Piece*)barrier(BARRIERS, 0) + stage; }
};

/** The stage and the parity of the phase of item number `count`. */
DEVICE u32 stage_of(u32 count) { return count % STAGES; }
DEVICE u32 parity_of(u32 count) { return count / STAGES % 2; }

/** A head and its queries from `first` to `end`. */
struct Share {
  Tokens tokens;
  int head;
  int first, end;

  DEVICE void locate(const Attention& p, int index, int shares) {
    // With few keys, neighboring shares read heads of the same rows. With many, they share the keys and values of a head.
    bool few = p.windows || p.keys <= 1024;
    int place = few ? index / p.heads : index % (shares / p.heads);
    head = few ? index % p.heads : index / (shares / p.heads);
    tokens.locate(p, p.windows ? place : 0);
    first = p.windows ? 0 : place * QUERIES;
    end = p.windows ? tokens.queries : min(tokens.queries, first + QUERIES);
  }
};

DEVICE int count_shares(const Attention& p) {
  return p.heads * (p.windows ? p.t.count * p.h.count * p.w.count : p.tiles);
}

/** Starts the copy of ROWS rows of a head to a tile [tile_rows][D] at `to`, by one warp. Lane i passes the index of row i % ROWS. */
template <int D, int ROWS>
DEVICE void copy_rows(u32 to, int tile_rows, u32 row, const void* matrix, i64 columns, int head, int head_dim) {
  const int UNITS = D / 8;            // of 16 bytes
  const int TOGETHER = WARP / UNITS;  // rows of one instruction
  int lane = threadIdx.x % WARP;
  int unit = lane % UNITS, line = lane / UNITS;
  const unsigned char* from = (const unsigned char*)matrix + (head * head_dim + unit * 8) * 2;
  u32 pitch = (u32)columns * 2;
  u32 bytes = unit * 8 < head_dim ? 16 : 0;
  u32 target = to + unit / 8 * tile_rows * 128 + line * 128;
  // Look up several rows before the first is used, to hide the latency of the shuffles.
  const int AHEAD = 4;
#pragma unroll
  for (int i = 0; i < ROWS / TOGETHER; i += AHEAD) {
    const unsigned char* sources[AHEAD];
#pragma unroll
    for (int j = 0; j < AHEAD; j++) {
      sources[j] = from + row_offset((u32)__shfl_sync(ALL_LANES, (int)row, (i + j) * TOGETHER + line), pitch);
    }
#pragma unroll
    for (int j = 0; j < AHEAD; j++) {
      u32 swizzled = (u32)(unit % 8 ^ ((i + j) * TOGETHER + line) % 8) * 16;
      copy_async_or_zero(target + (i + j) * TOGETHER * 128 + swizzled, sources[j], bytes);
    }
  }
}

/** Runs the loading warpgroup. */
template <int D, int KEYS>
DEVICE void load(const Attention& p, const Shared<D, KEYS>& shared) {
  const int QUERY_ROWS = QUERIES / 4, KEY_ROWS = KEYS / 4;  // of a warp
  int lane = threadIdx.x % WARP, warp = threadIdx.x % GROUP / WARP;
  int shares = count_shares(p);
  u32 piece_count = 0, tile_count = 0;
  auto publish = [&](int head, int queries, int keys, u32 row) {
    u32 stage = stage_of(piece_count);
    wait(shared.barrier(QUERIES_EMPTY, stage), parity_of(piece_count) ^ 1);
    Piece* piece = shared.piece(stage);
    if (threadIdx.x == 0) {
      piece->head = head;
      piece->queries = queries;
      piece->keys = keys;
    }
    piece->rows[threadIdx.x] = (int)row;
    arrive(shared.barrier(PIECE_FULL, stage));
  };
#pragma unroll 1
  for (int index = blockIdx.x; index < shares; index += gridDim.x) {
    Share share;
    share.locate(p, index, shares);
    // The rows of a window need several divisions, and its queries are its keys, so the last row is cached.
    int cached = -1;
    u32 row = 0;
    auto locate_row = [&](int token) {
      if (token != cached) {
        cached = token;
        row = (u32)share.tokens.row(p, token);
      }
    };
#pragma unroll 1
    for (int first = share.first; first < share.end; first += QUERIES) {
      // Queries beyond the last one use its row.
      locate_row(min(first + warp * QUERY_ROWS + lane, share.tokens.queries - 1));
      publish(share.head, share.tokens.queries - first, share.tokens.keys, row);
      u32 stage = stage_of(piece_count);
      copy_rows<D, QUERY_ROWS>(
          shared_address(shared.queries(stage)) + warp * QUERY_ROWS * 128, QUERIES, row, p.q, p.q_columns, share.head,
          p.head_dim);
      arrive_when_copied(shared.barrier(QUERIES_FULL, stage));
      piece_count++;
      // If the keys and values of a window fill the stages exactly, they are still there for its next queries.
      bool loaded = first > share.first && (share.tokens.keys + KEYS - 1) / KEYS == STAGES;
#pragma unroll 1
      for (int tile = 0; tile * KEYS < share.tokens.keys; tile++) {
        stage = stage_of(tile_count);
        u32 parity = parity_of(tile_count) ^ 1;
        tile_count++;
        if (loaded) {
          wait(shared.barrier(KEYS_EMPTY, stage), parity);
          arrive(shared.barrier(KEYS_FULL, stage));
          wait(shared.barrier(VALUES_EMPTY, stage), parity);
          arrive(shared.barrier(VALUES_FULL, stage));
          continue;
        }
        locate_row(min(tile * KEYS + warp * KEY_ROWS + lane % KEY_ROWS, share.tokens.keys - 1));
        wait(shared.barrier(KEYS_EMPTY, stage), parity);
        copy_rows<D, KEY_ROWS>(
            shared.keys(stage) + warp * KEY_ROWS * 128, KEYS, row, p.k, p.k_columns, share.head, p.head_dim);
        arrive_when_copied(shared.barrier(KEYS_FULL, stage));
        wait(shared.barrier(VALUES_EMPTY, stage), parity);
        copy_rows<D, KEY_ROWS>(
            shared.values(stage) + warp * KEY_ROWS * 128, KEYS, row, p.v, p.v_columns, share.head, p.head_dim);
        arrive_when_copied(shared.barrier(VALUES_FULL, stage));
      }
    }
  }
  publish(-1, 0, 0, 0);
  // The consumers wait for all copies, but a thread must not end before its own.
  commit_copies();
  wait_copies<0>();
}

// A warp has 16 queries. Scores and sums have the layout of wgmma: element i is in row lane / 4 + i / 2 % 2 * 8 and column
// i / 4 * 8 + lane % 4 * 2 + i % 2.

/** Starts scores[64 x KEYS] = queries keys^T. */
template <int D, int KEYS>
DEVICE void start_scores(float* scores, const u32 (*queries)[4], u32 keys) {
  u64 first = descriptor(keys, 16, 1024);
#pragma unroll
  for (int d = 0; d < D / 16; d++) {
    wgmma<KEYS, false>(scores, queries[d], first + (d / 4 * KEYS * 128 + d % 4 * 32) / 16, d > 0);
  }
}

/** Starts out[64 x D] += weights values. */
template <int D, int KEYS>
DEVICE void start_sums(float* out, const u32 (*weights)[4], u32 values) {
  u64 first = descriptor(values, KEYS * 128, 1024);
#pragma unroll
  for (int i = 0; i < KEYS / 16; i++) {
    wgmma<D, true>(out, weights[i], first + i * 16 * 128 / 16, 1);
  }
}

/** Applies the weights of the keys of a tile to their scores, and sets the scores of missing keys to -infinity. */
template <int KEYS>
DEVICE void apply_weights(const Attention& p, float* scores, int first, int count, float scale) {
  int lane = threadIdx.x % WARP;
#pragma unroll
  for (int i = 0; i < KEYS / WARP; i++) {
    // Each lane reads the weight of one key, and shares it with the warp.
    float weight = weight_of(p, first + i * WARP + lane, count);
    u32 kept = __ballot_sync(ALL_LANES, weight != 0) >> lane % 4 * 2;
#pragma unroll
    for (int j = 0; j < WARP / 8; j++) {
#pragma unroll
      for (int k = 0; k < 2; k++) {
        if ((kept >> (j * 8 + k) & 1) == 0) {
          float* pair = scores + 4 * (i * WARP / 8 + j) + k;
          pair[0] = pair[2] = -INFINITE;
        }
      }
    }
    // Rare, since most weights are 0 or 1.
    if (__any_sync(ALL_LANES, weight != 0 && weight != 1)) {
      float shift = weight == 0 ? 0 : log2f(weight) / scale;
#pragma unroll
      for (int j = 0; j < WARP / 8; j++) {
#pragma unroll
        for (int k = 0; k < 2; k++) {
          float own = __shfl_sync(ALL_LANES, shift, j * 8 + lane % 4 * 2 + k);
          float* pair = scores + 4 * (i * WARP / 8 + j) + k;
          pair[0] += own;
          pair[2] += own;
        }
      }
    }
  }
}

/** Replaces scores by their exponentials, and computes the corrections of the previous sums of each row. */
template <int KEYS>
DEVICE void exponentiate(float* scores, float scale, float* largest, float* total, float* corrections) {
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float top = largest[r];
#pragma unroll
    for (int i = 0; i < KEYS / 8; i++) {
      top = fmaxf(top, fmaxf(scores[4 * i + 2 * r], scores[4 * i + 2 * r + 1]));
    }
    // Four lanes share a row.
    top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
    top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
    // The maximum is -infinity until a key is kept. Subtracting -infinity from itself would give NaN.
    float safe = top == -INFINITE ? 0 : top * scale;
    corrections[r] = exp2_fast(largest[r] * scale - safe);
    largest[r] = top;
    float sum = total[r] * corrections[r];
#pragma unroll
    for (int i = 0; i < KEYS / 8; i++) {
      float low = exp2_fast(scores[4 * i + 2 * r] * scale - safe);
      float high = exp2_fast(scores[4 * i + 2 * r + 1] * scale - safe);
      scores[4 * i + 2 * r] = low;
      scores[4 * i + 2 * r + 1] = high;
      sum += low + high;
    }
    total[r] = sum;
  }
}

/** Rounds exponentials to the left operand of a product. Two fragments of sums have the layout of one fragment of the operand. */
template <int KEYS>
DEVICE void pack_weights(u32 (*weights)[4], const float* scores) {
#pragma unroll
  for (int i = 0; i < KEYS / 4; i++) {
    weights[i / 4][i % 4] = pack_bf16(scores[2 * i], scores[2 * i + 1]);
  }
}

/**
 * Divides the rows of a warp by their totals and writes them to the output. They are staged in shared memory, to write complete rows.
 *
 * @param count the number of rows from the first of the warp on, which has up to 16 of them
 * @param row the index of row lane % 16 in the output
 * @param staged the buffer of the warp in shared memory, [16][D]
 */
template <int D>
DEVICE void write_out(
    const Attention& p, int head, int count, int row, const float* out, const float* total, u16* staged) {
  const int UNITS = D / 8;            // of 16 bytes
  const int TOGETHER = WARP / UNITS;  // rows of one instruction
  int lane = threadIdx.x % WARP;
  int unit = lane % UNITS, line = lane / UNITS;
  float factors[2];
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float sum = total[r];
    sum += __shfl_xor_sync(ALL_LANES, sum, 1);
    sum += __shfl_xor_sync(ALL_LANES, sum, 2);
    factors[r] = reciprocal_fast(sum);
  }
#pragma unroll
  for (int i = 0; i < D / 4; i++) {
    *(u32*)(staged + place<D>(lane / 4 + i % 2 * 8, i / 2) + lane % 4 * 2) =
        pack_bf16(factors[i % 2] * out[2 * i], factors[i % 2] * out[2 * i + 1]);
  }
  __syncwarp();
  u32 pitch = p.heads * p.head_dim * 2;
  unsigned char* to = (unsigned char*)p.out + (head * p.head_dim + unit * 8) * 2;
  // Read all values before the first store, since a store blocks its registers for long.
  uint4 values[16 / TOGETHER];
  uint4* targets[16 / TOGETHER];
#pragma unroll
  for (int i = 0; i < 16 / TOGETHER; i++) {
    values[i] = *(const uint4*)(staged + place<D>(i * TOGETHER + line, unit));
    targets[i] = (uint4*)(to + row_offset((u32)__shfl_sync(ALL_LANES, row, i * TOGETHER + line), pitch));
  }
#pragma unroll
  for (int i = 0; i < 16 / TOGETHER; i++) {
    if (i * TOGETHER + line < count && unit * 8 < p.head_dim) {
      *targets[i] = values[i];
    }
  }
  __syncwarp();
}

/** Runs one of the two computing warpgroups, 0 or 1. */
template <int D, int KEYS>
DEVICE void compute(const Attention& p, const Shared<D, KEYS>& shared, int group) {
  int lane = threadIdx.x % WARP, warp = threadIdx.x % GROUP / WARP;
  int at = group * 64 + warp * 16;  // the first query of the warp in a piece
  // Exponentials of base 2 need one instruction.
  const float scale = p.scale * 1.4426950408889634f;
  float out[D / 2], scores[KEYS / 2];
  u32 queries[D / 16][4], weights[KEYS / 16][4];
  float largest[2], total[2], corrections[2];
  u32 piece_count = 0, tile_count = 0;
  auto await = [&](int which, u32 count) { wait(shared.barrier(which, stage_of(count)), parity_of(count)); };
  auto release = [&](int which, u32 count) {
    if (lane == 0) {
      arrive(shared.barrier(which, stage_of(count)));
    }
  };
  struct Current {
    int head, queries, keys, row;
  } piece;
  // Loads the next queries to registers and waits for their first keys. Returns false after the last piece.
  auto next_piece = [&](u32 first_tile) {
    await(PIECE_FULL, piece_count);
    const Piece* published = shared.piece(stage_of(piece_count));
    piece = {published->head, published->queries, published->keys, published->rows[at + lane % 16]};
    if (piece.head < 0) {
      return false;
    }
    await(QUERIES_FULL, piece_count);
    const unsigned char* own = shared.queries(stage_of(piece_count)) + (at + lane % 16) * 128;
#pragma unroll
    for (int d = 0; d < D / 16; d++) {
      load_matrices(queries[d], own + d / 4 * QUERIES * 128 + (d % 4 * 2 + lane / 16 ^ lane % 8) * 16);
    }
    arrive(shared.barrier(QUERIES_EMPTY, stage_of(piece_count)));
    piece_count++;
    await(KEYS_FULL, first_tile);
    return true;
  };
  // Starts the sums of the last tile of values. No branch may follow before the next wgmma, or ptxas serializes all of them.
  auto add_values = [&]() {
    fence_async_proxy();
    fence_operands<D / 2>(out);
    fence_operands<KEYS / 4>(weights[0]);
    wgmma_fence();
    start_sums<D, KEYS>(out, weights, shared.values(stage_of(tile_count)));
    wgmma_commit();
  };
  // The groups start their products in turns, so one computes its exponentials during the products of the other. The second group
  // lets the first one start.
  if (group == 1) {
    arrive_threads(1, CONSUMERS * GROUP);
  }
  if (next_piece(0)) {
    fence_async_proxy();
    wgmma_fence();
    start_scores<D, KEYS>(scores, queries, shared.keys(0));
    wgmma_commit();
#pragma unroll 1
    for (;;) {
      wgmma_wait<0>();
      fence_operands<KEYS / 2>(scores);
#pragma unroll
      for (int i = 0; i < D / 2; i++) {
        out[i] = 0;
      }
      largest[0] = largest[1] = -INFINITE;
      total[0] = total[1] = 0;
      release(KEYS_EMPTY, tile_count);
      if (KEYS > piece.keys || p.weights != 0) {
        apply_weights<KEYS>(p, scores, 0, piece.keys, scale);
      }
      exponentiate<KEYS>(scores, scale, largest, total, corrections);
      pack_weights<KEYS>(weights, scores);
#pragma unroll 1
      for (int first = KEYS; first < piece.keys; first += KEYS) {
        await(VALUES_FULL, tile_count);
        await(KEYS_FULL, tile_count + 1);
        fence_async_proxy();
        sync_threads(1 + group, CONSUMERS * GROUP);
        fence_operands<D / 2>(out);
        fence_operands<KEYS / 4>(weights[0]);
        wgmma_fence();
        start_scores<D, KEYS>(scores, queries, shared.keys(stage_of(tile_count + 1)));
        wgmma_commit();
        start_sums<D, KEYS>(out, weights, shared.values(stage_of(tile_count)));
        wgmma_commit();
        arrive_threads(2 - group, CONSUMERS * GROUP);
        wgmma_wait<1>();
        fence_operands<KEYS / 2>(scores);
        release(KEYS_EMPTY, tile_count + 1);
        if (first + KEYS > piece.keys || p.weights != 0) {
          apply_weights<KEYS>(p, scores, first, piece.keys, scale);
        }
        exponentiate<KEYS>(scores, scale, largest, total, corrections);
        wgmma_wait<0>();
        fence_operands<D / 2>(out);
        release(VALUES_EMPTY, tile_count);
        // Rare after the first tiles.
        if (__any_sync(ALL_LANES, corrections[0] != 1 || corrections[1] != 1)) {
#pragma unroll
          for (int i = 0; i < D / 2; i++) {
            out[i] *= corrections[i / 2 % 2];
          }
        }
        pack_weights<KEYS>(weights, scores);
        tile_count++;
      }
      await(VALUES_FULL, tile_count);
      Current done = piece;
      // Compute the scores of the next queries while the sums of these are completed and written.
      if (!next_piece(tile_count + 1)) {
        add_values();
        wgmma_wait<0>();
        fence_operands<D / 2>(out);
        write_out<D>(p, done.head, done.queries - at, done.row, out, total, shared.out() + at * D);
        break;
      }
      add_values();
      start_scores<D, KEYS>(scores, queries, shared.keys(stage_of(tile_count + 1)));
      wgmma_commit();
      wgmma_wait<1>();
      fence_operands<D / 2>(out);
      release(VALUES_EMPTY, tile_count);
      tile_count++;
      write_out<D>(p, done.head, done.queries - at, done.row, out, total, shared.out() + at * D);
    }
  }
  // Match the last arrival of the second group.
  if (group == 0) {
    sync_threads(1, CONSUMERS * GROUP);
  }
}

template <int D, int KEYS>
DEVICE void attend(const Attention& p) {
  DYNAMIC_SHARED_TILES(memory);
  Shared<D, KEYS> shared = {memory};
  if (threadIdx.x < BARRIERS * STAGES) {
    // All loading threads arrive at full barriers, all computing threads at the empty barrier of queries, and one thread per warp
    // at the empty barriers of keys and values.
    int which = threadIdx.x / STAGES;
    init_barrier(
        shared.barrier(0, threadIdx.x),
        which < QUERIES_EMPTY ? GROUP : which == QUERIES_EMPTY ? CONSUMERS * GROUP : CONSUMERS * 4);
  }
  __syncthreads();
  // Each warpgroup starts with 168 registers per thread, 504 for the three. Loading needs fewer than computing.
  if (threadIdx.x < GROUP) {
    release_registers<56>();
    load<D, KEYS>(p, shared);
  } else {
    acquire_registers<224>();
    compute<D, KEYS>(p, shared, threadIdx.x / GROUP - 1);
  }
}

// Names end in the padded head dimension and in the number of keys of a tile.
KERNEL_RESIDENT(384, 1, attention_sm90_64_64, Attention) { attend<64, 64>(p); }
KERNEL_RESIDENT(384, 1, attention_sm90_64_128, Attention) { attend<64, 128>(p); }
KERNEL_RESIDENT(384, 1, attention_sm90_128_64, Attention) { attend<128, 64>(p); }
KERNEL_RESIDENT(384, 1, attention_sm90_128_128, Attention) { attend<128, 128>(p); }
