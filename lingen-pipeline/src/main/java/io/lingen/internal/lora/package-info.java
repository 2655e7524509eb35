/** Low-rank adapters (LoRA) and their merging into a model. */
@NullMarked
package io.lingen.internal.lora;

import org.jspecify.annotations.NullMarked;
