/**
 * The text encoder Gemma 2, computed by a backend except for its attention, which runs on the host.
 */
@NullMarked
package io.lingen.internal.gemma;

import org.jspecify.annotations.NullMarked;
