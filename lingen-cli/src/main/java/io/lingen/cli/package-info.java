/** The command line: {@code lingen generate}, {@code info}, {@code parity} and {@code bench}. */
@NullMarked
package io.lingen.cli;

import org.jspecify.annotations.NullMarked;
