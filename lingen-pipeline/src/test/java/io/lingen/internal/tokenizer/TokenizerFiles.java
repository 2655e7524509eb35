package io.lingen.internal.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Small tokenizer.json files in the manner of published ones, their vocabularies made of the text of this repository's guides. */
final class TokenizerFiles {
    static final String METASPACE = "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}";
    static final String CLOSING = "{'type':'TemplateProcessing','single':[{'Sequence':{'id':'A','type_id':0}},"
            + "{'SpecialToken':{'id':'</s>','type_id':0}}],'pair':[{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':{'id':'</s>','type_id':0}},"
            + "{'Sequence':{'id':'B','type_id':0}},{'SpecialToken':{'id':'</s>','type_id':0}}],"
            + "'special_tokens':{'</s>':{'id':'</s>','ids':[1],'tokens':['</s>']}}}";
    static final String OPENING = "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<bos>','type_id':0}},"
            + "{'Sequence':{'id':'A','type_id':1}}],'pair':[{'Sequence':{'id':'A','type_id':0}},{'Sequence':{'id':'B','type_id':0}}],"
            + "'special_tokens':{'<bos>':{'id':'<bos>','ids':[2],'tokens':['<bos>']}}}";

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int MAX_PIECE = 8;

    private static final List<Object> PIECES = pieces();

    private TokenizerFiles() {}

    /** The tokenizer of the embedded text encoder. */
    static byte[] miniLm() {
        try (InputStream stream =
                TokenizerFiles.class.getClassLoader().getResourceAsStream("all-minilm-l6-v2-tokenizer.json")) {
            return stream.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** T5's and UMT5's: Unigram after SentencePiece's rules. */
    static byte[] t5() {
        return unigram(
                "{'type':'Sequence','normalizers':[" + precompiled(CharsMapBuilder.nmtNfkc())
                        + ",{'type':'Strip','strip_left':false,'strip_right':true},"
                        + "{'type':'Replace','pattern':{'Regex':' {2,}'},'content':'▁'}]}",
                METASPACE,
                false);
    }

    /** Rules as a normalizer. */
    static String precompiled(Map<String, String> rules) {
        String encoded = Base64.getEncoder().encodeToString(CharsMapBuilder.build(rules));
        return "{'type':'Precompiled','precompiled_charsmap':'" + encoded + "'}";
    }

    /** A tokenizer whose ids are the bytes of the normalized text. */
    static byte[] bytes(String normalizer, String preTokenizer) {
        List<Object> vocabulary = new ArrayList<>(List.of(List.of("<unk>", 0)));
        addBytes(vocabulary);
        return file(
                parts("", normalizer, preTokenizer, "null"),
                "'type':'Unigram','unk_id':0,'byte_fallback':true",
                Map.of("vocab", vocabulary));
    }

    /** Pieces of the letters a to c, with scores of 15 to 20 digits of which many sums are nearly equal. */
    static byte[] ties(Random random) {
        List<Object> vocabulary = new ArrayList<>(List.of(List.of("<unk>", 0)));
        BigDecimal[] scores = new BigDecimal[3];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = new BigDecimal(new BigInteger(60, random), 15 + random.nextInt(5)).negate();
            vocabulary.add(List.of(Character.toString('a' + i), scores[i]));
        }
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                String pair = Character.toString('a' + i) + Character.toString('a' + j);
                vocabulary.add(List.of(pair, scores[i].add(scores[j])));
                vocabulary.add(List.of(pair + 'a', scores[i].add(scores[j]).add(scores[0])));
            }
        }
        return file(parts("", "null", "null", "null"), "'type':'Unigram','unk_id':0", Map.of("vocab", vocabulary));
    }

    private static void addBytes(List<Object> vocabulary) {
        for (int value = 0; value < 256; value++) {
            vocabulary.add(List.of(String.format("<0x%02X>", value), -9.5));
        }
    }

    /**
     * Gemma's: BPE over the whole text, unknown characters as bytes. Marks of dialogues, HTML tags and runs of line breaks and blanks are
     * tokens that are never merged.
     */
    static byte[] gemma() {
        List<String> symbols =
                new ArrayList<>(List.of("<mask>", "<start_of_turn>", "<end_of_turn>", "<table>", "</h1>"));
        for (int length = 2; length <= 5; length++) {
            symbols.add("\n".repeat(length));
            symbols.add("▁".repeat(length));
        }
        return bpe(
                "{'type':'Replace','pattern':{'String':' '},'content':'▁'}",
                "{'type':'Split','pattern':{'String':' '},'behavior':'MergedWithPrevious','invert':false}",
                "'fuse_unk':true,'byte_fallback':true,'ignore_merges':false",
                symbols,
                true,
                false);
    }

    static byte[] unigram(String normalizer, String preTokenizer, boolean byteFallback) {
        List<Object> vocabulary = new ArrayList<>(PIECES);
        if (byteFallback) {
            addBytes(vocabulary);
        }
        String model = "'type':'Unigram','unk_id':3,'byte_fallback':" + byteFallback;
        return file(
                parts(
                        added(vocabulary.size(), List.of("<pad>", "</s>", "<s>", "<unk>"), List.of()),
                        normalizer,
                        preTokenizer,
                        CLOSING),
                model,
                Map.of("vocab", vocabulary));
    }

    private static List<Object> pieces() {
        List<Object> vocabulary = new ArrayList<>();
        for (String special : List.of("<pad>", "</s>", "<s>", "<unk>")) {
            vocabulary.add(List.of(special, 0.0));
        }
        Map<String, Integer> counts = new TreeMap<>();
        for (String word : RandomTexts.prose().split("\\s+")) {
            String marked = "▁" + word;
            for (int i = 0; i < marked.length(); i++) {
                for (int j = i + 1; j <= Math.min(marked.length(), i + MAX_PIECE); j++) {
                    counts.merge(marked.substring(i, j), 1, Integer::sum);
                }
            }
        }
        double total = counts.values().stream().mapToInt(count -> count).sum();
        counts.entrySet().stream()
                .filter(entry -> entry.getValue() >= (entry.getKey().length() == 1 ? 3 : 40))
                .filter(entry -> entry.getKey().codePoints().noneMatch(c -> c >= 0xD800 && c < 0xE000))
                .forEach(entry -> vocabulary.add(List.of(entry.getKey(), Math.log(entry.getValue() / total))));
        return vocabulary;
    }

    /**
     * A BPE model.
     *
     * @param settings the model's settings
     * @param pairs whether merges are arrays of two, or strings
     * @param bytes whether words are spelled in the characters of GPT-2's bytes
     */
    static byte[] bpe(String normalizer, String preTokenizer, String settings, boolean pairs, boolean bytes) {
        return bpe(normalizer, preTokenizer, settings, List.of(), pairs, bytes);
    }

    private static byte[] bpe(
            String normalizer,
            String preTokenizer,
            String settings,
            List<String> symbols,
            boolean pairs,
            boolean bytes) {
        List<String> specials = List.of("<pad>", "<eos>", "<bos>", "<unk>");
        Map<String, Integer> ids = new LinkedHashMap<>();
        specials.forEach(special -> ids.put(special, ids.size()));
        symbols.forEach(symbol -> ids.put(symbol, ids.size()));
        if (!bytes) {
            for (int value = 0; value < 256; value++) {
                ids.put(String.format("<0x%02X>", value), ids.size());
            }
        }
        List<List<String>> merges = train(ids, bytes);
        Object written = pairs
                ? merges
                : merges.stream().map(pair -> String.join(" ", pair)).toList();
        StringBuilder model = new StringBuilder("'type':'BPE','dropout':null," + settings);
        if (!settings.contains("unk_token")) {
            model.append(",'unk_token':'<unk>'");
        }
        return file(
                parts(added(ids.size(), specials, symbols), normalizer, preTokenizer, OPENING),
                model.toString(),
                Map.of("vocab", ids, "merges", written));
    }

    private static List<List<String>> train(Map<String, Integer> ids, boolean bytes) {
        Map<String, Integer> counts = new HashMap<>();
        String prose = RandomTexts.prose();
        for (String word : prose.substring(0, Math.min(60_000, prose.length())).split("(?=\\s)")) {
            counts.merge(bytes ? visible(word) : word.replace(' ', '▁'), 1, Integer::sum);
        }
        List<List<String>> words = new ArrayList<>();
        List<Integer> weights = new ArrayList<>();
        new TreeMap<>(counts).forEach((word, count) -> {
            List<String> symbols = new ArrayList<>();
            word.codePoints().forEach(codePoint -> symbols.add(Character.toString(codePoint)));
            symbols.forEach(symbol -> ids.putIfAbsent(symbol, ids.size()));
            words.add(symbols);
            weights.add(count);
        });
        List<List<String>> merges = new ArrayList<>();
        while (merges.size() < 300) {
            Map<List<String>, Integer> pairs = new HashMap<>();
            for (int i = 0; i < words.size(); i++) {
                for (int j = 0; j + 1 < words.get(i).size(); j++) {
                    pairs.merge(List.of(words.get(i).get(j), words.get(i).get(j + 1)), weights.get(i), Integer::sum);
                }
            }
            List<String> best = pairs.entrySet().stream()
                    .max(Map.Entry.<List<String>, Integer>comparingByValue()
                            .thenComparing(entry -> String.join(" ", entry.getKey())))
                    .orElseThrow()
                    .getKey();
            merges.add(best);
            ids.putIfAbsent(String.join("", best), ids.size());
            words.forEach(word -> merge(word, best));
        }
        return merges;
    }

    private static void merge(List<String> word, List<String> pair) {
        for (int i = 0; i + 1 < word.size(); i++) {
            if (word.get(i).equals(pair.get(0)) && word.get(i + 1).equals(pair.get(1))) {
                word.set(i, String.join("", pair));
                word.remove(i + 1);
            }
        }
    }

    private static String visible(String word) {
        StringBuilder text = new StringBuilder();
        for (byte value : word.getBytes(StandardCharsets.UTF_8)) {
            int unsigned = value & 0xFF;
            boolean visible = unsigned > ' ' && unsigned < 0x7F || unsigned >= 0xA1 && unsigned != 0xAD;
            text.append(
                    visible
                            ? (char) unsigned
                            : unsigned <= ' '
                                    ? (char) (256 + unsigned)
                                    : unsigned < 0xA1 ? (char) (256 + unsigned - 0x7F + 33) : '\u0143');
        }
        return text.toString();
    }

    /** Special tokens with the first ids, symbols with the next ones, and three more tokens after the vocabulary. */
    private static String added(int size, List<String> specials, List<String> symbols) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < specials.size(); i++) {
            text.append(token(i, specials.get(i), "'special':true,'normalized':false"))
                    .append(',');
        }
        for (int i = 0; i < symbols.size(); i++) {
            String content = symbols.get(i).replace("\n", "\\n");
            text.append(token(specials.size() + i, content, "'special':false,'normalized':false"))
                    .append(',');
        }
        return text + token(size, "<extra>", "'special':false,'normalized':false", "'lstrip':true,'rstrip':true") + ","
                + token(size + 1, "<word>", "'special':false,'normalized':true", "'single_word':true") + ","
                + token(size + 2, "Model", "'special':false,'normalized':true", "'single_word':true,'lstrip':true");
    }

    private static String token(int id, String content, String... flags) {
        String all = String.join(",", flags);
        StringBuilder text = new StringBuilder("{'id':" + id + ",'content':'" + content + "'," + all);
        for (String flag : List.of("single_word", "lstrip", "rstrip")) {
            text.append(all.contains(flag) ? "" : ",'" + flag + "':false");
        }
        return text.append('}').toString();
    }

    private static String parts(String added, String normalizer, String preTokenizer, String postProcessor) {
        return "'version':'1.0','truncation':null,'padding':null,'added_tokens':[" + added + "],'normalizer':"
                + normalizer + ",'pre_tokenizer':" + preTokenizer + ",'post_processor':" + postProcessor
                + ",'decoder':null";
    }

    private static byte[] file(String parts, String model, Map<String, ?> tables) {
        StringBuilder text = new StringBuilder(quoted("{" + parts + ",'model':{" + model));
        new TreeMap<>(tables)
                .descendingMap()
                .forEach((name, table) ->
                        text.append(",\"").append(name).append("\":").append(json(table)));
        return text.append("}}").toString().getBytes(StandardCharsets.UTF_8);
    }

    /** JSON written with single quotes. */
    private static String quoted(String json) {
        return json.replace('\'', '"');
    }

    private static String json(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
