// Rotary position embedding: the cosines and sines of the tokens of a grid.
#pragma once

struct Angles {
  const float* table_t;
  const float* table_h;
  const float* table_w;
  int head_dim;
  int band_t, band_h;  // widths; band w is the rest
  int gh, gw;
};

/**
 * Reads the cosines and sines of a token for four pairs of columns of a head. Pairs beyond the head dimension get those of the last
 * one.
 */
DEVICE void read_angles(const Angles& a, u32 token, int column, float* cosines, float* sines) {
  u32 line = token / (u32)a.gw, t = line / (u32)a.gh;
  const float* angles_t = a.table_t + (i64)t * a.band_t;
  const float* angles_h = a.table_h + (i64)(line - t * a.gh) * a.band_h;
  const float* angles_w = a.table_w + (i64)(token - line * a.gw) * (a.head_dim - a.band_t - a.band_h);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    // Bands have even widths, so a pair lies within one.
    int c = min(column + 2 * k, a.head_dim - 2);
    int in_h = c - a.band_t, in_w = in_h - a.band_h;
    const float* angle = in_h < 0 ? angles_t + c : in_w < 0 ? angles_h + in_h : angles_w + in_w;
    cosines[k] = angle[0];
    sines[k] = angle[1];
  }
}

/** Rotates four pairs (a, b) to (a cos - b sin, a sin + b cos). */
DEVICE void rotate_pairs(float* v, const float* cosines, const float* sines) {
#pragma unroll
  for (int k = 0; k < 4; k++) {
    float a = v[2 * k], b = v[2 * k + 1];
    v[2 * k] = a * cosines[k] - b * sines[k];
    v[2 * k + 1] = a * sines[k] + b * cosines[k];
  }
}
