/**
 * The command line {@code lingen}. Each command is a class {@code *Command}; the options that commands share are mixins. Only
 * {@link io.lingen.cli.Lingen} is public.
 */
@NullMarked
package io.lingen.cli;

import org.jspecify.annotations.NullMarked;
