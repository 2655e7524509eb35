/**
 * The command line {@code lingen}. Each subcommand is a class {@code *Command}. Options that several commands share are mixins. Only
 * {@link io.lingen.cli.Lingen} is public.
 */
@NullMarked
package io.lingen.cli;

import org.jspecify.annotations.NullMarked;
