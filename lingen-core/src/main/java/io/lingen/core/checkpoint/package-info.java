/**
 * Reading and writing of models: safetensors files, configuration files, and the folders and jar resources that hold them.
 *
 * <p>Only JSON and safetensors are deserialized. All input is treated as hostile: sizes, names, nesting and offsets are checked before use,
 * and a violation throws {@link io.lingen.core.checkpoint.CheckpointException}. A file must not change while it is mapped, because the JVM
 * cannot guard against a mapped file that shrinks.
 */
@NullMarked
@Spi
package io.lingen.core.checkpoint;

import io.lingen.core.Spi;
import org.jspecify.annotations.NullMarked;
