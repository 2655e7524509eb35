/** Memory and threads. */
@NullMarked
package io.lingen.cpu.internal;

import org.jspecify.annotations.NullMarked;
