/**
 * Reading and writing of models: safetensors files, configuration files, folders and jar resources that hold them.
 *
 * <p>Nothing but JSON and safetensors is ever deserialised. Whatever is read is taken for hostile: sizes, names, nesting and offsets are
 * checked before they are used, and what does not hold is a {@link io.lingen.core.checkpoint.CheckpointException}. A file must not be
 * changed while it is mapped: the operating system, not this package, answers for a mapped file that shrinks.
 */
@NullMarked
package io.lingen.core.checkpoint;

import org.jspecify.annotations.NullMarked;
