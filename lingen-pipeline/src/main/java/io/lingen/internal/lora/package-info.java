/** Low-rank adapters. */
@NullMarked
package io.lingen.internal.lora;

import org.jspecify.annotations.NullMarked;
