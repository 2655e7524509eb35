/** What the CPU backend stands on: off-heap memory, tensors, worker threads. Not API. */
@NullMarked
package io.lingen.cpu.internal;

import org.jspecify.annotations.NullMarked;
