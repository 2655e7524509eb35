/** Tests of memory and threads. */
@NullMarked
package io.lingen.cpu.internal;

import org.jspecify.annotations.NullMarked;
