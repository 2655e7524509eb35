// The sequence of rows that a scan visits: ScanPath on the device.
#pragma once

/** The order of axes over a grid: the lengths of the two faster axes, and the distances in rows along all three. */
struct Order {
  int fast, middle;
  int fast_stride, middle_stride, slow_stride;
  int zigzag;

  DEVICE int row(int step) const {
    int line = (u32)step / (u32)fast;
    int c = step - line * fast;
    int a = (u32)line / (u32)middle;
    int b = line - a * middle;
    if (zigzag) {
      if (line & 1) {
        c = fast - 1 - c;
      }
      if (a & 1) {
        b = middle - 1 - b;
      }
    }
    return a * slow_stride + b * middle_stride + c * fast_stride;
  }
};

struct Path {
  Order grid;
  Order prefix;
  int cells;
  int prefix_cells;
  int backward;

  DEVICE int steps() const { return backward ? cells : cells + prefix_cells; }

  DEVICE int warm_up() const { return backward ? 0 : prefix_cells; }

  DEVICE int row(int step) const {
    if (backward) {
      return prefix_cells + grid.row(cells - 1 - step);
    }
    return step < prefix_cells ? prefix.row(step) : prefix_cells + grid.row(step - prefix_cells);
  }
};
