package io.lingen.internal.tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The treatment of the matches at which a text is split, named as in tokenizer.json. */
enum SplitBehavior {
    REMOVED("Removed"),
    ISOLATED("Isolated"),
    MERGED_WITH_PREVIOUS("MergedWithPrevious"),
    MERGED_WITH_NEXT("MergedWithNext"),
    CONTIGUOUS("Contiguous");

    private final String label;

    SplitBehavior(String label) {
        this.label = label;
    }

    /** The name in tokenizer.json. */
    String label() {
        return label;
    }

    /**
     * Splits a text.
     *
     * @param inverted whether to exchange the roles of the matches and of the parts between them
     */
    List<NormalizedText> split(NormalizedText text, Pattern pattern, boolean inverted) {
        List<Span> spans = new ArrayList<>();
        List<Boolean> matches = new ArrayList<>();
        int end = 0;
        for (Span match = pattern.find(text, 0); match != null; match = pattern.find(text, end)) {
            if (match.start() > end) {
                spans.add(new Span(end, match.start()));
                matches.add(inverted);
            }
            spans.add(match);
            matches.add(!inverted);
            end = match.end();
        }
        if (end < text.length()) {
            spans.add(new Span(end, text.length()));
            matches.add(inverted);
        }
        return merge(spans, matches).stream()
                .map(span -> text.slice(span.start(), span.end()))
                .toList();
    }

    private List<Span> merge(List<Span> spans, List<Boolean> matches) {
        List<Span> merged = new ArrayList<>();
        switch (this) {
            case REMOVED -> {
                for (int i = 0; i < spans.size(); i++) {
                    if (!matches.get(i)) {
                        merged.add(spans.get(i));
                    }
                }
            }
            case ISOLATED -> merged.addAll(spans);
            case MERGED_WITH_PREVIOUS -> join(spans, matches, merged, true);
            case MERGED_WITH_NEXT -> {
                Collections.reverse(spans);
                Collections.reverse(matches);
                join(spans, matches, merged, true);
                Collections.reverse(merged);
            }
            case CONTIGUOUS -> join(spans, matches, merged, false);
        }
        return merged;
    }

    /** Joins each match with the part before it, or joins neighbors that are both matches or both parts. */
    private static void join(List<Span> spans, List<Boolean> matches, List<Span> merged, boolean matchWithPart) {
        boolean previous = false;
        for (int i = 0; i < spans.size(); i++) {
            boolean match = matches.get(i);
            boolean joins = matchWithPart ? match && !previous : match == previous;
            Span last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
            if (joins && last != null) {
                merged.set(merged.size() - 1, union(last, spans.get(i)));
            } else {
                merged.add(spans.get(i));
            }
            previous = match;
        }
    }

    private static Span union(Span a, Span b) {
        return new Span(Math.min(a.start(), b.start()), Math.max(a.end(), b.end()));
    }
}
