package io.lingen.cli;

import java.io.IOException;

/** Requests that are read one by one, as often as needed. */
interface PromptLines {
    /** Accepts the request of a line, or its problem. */
    interface LineAction {
        void accept(PromptLine line) throws IOException;
    }

    /**
     * Reads all lines.
     *
     * @throws IOException if they can't be read, or from the action
     */
    void forEach(LineAction action) throws IOException;

    /** Each line {@code count} times, with consecutive seeds. */
    default PromptLines withSeeds(int count) {
        return action -> forEach(line -> {
            for (int i = 0; i < count; i++) {
                action.accept(line.withSeedPlus(i));
            }
        });
    }
}
