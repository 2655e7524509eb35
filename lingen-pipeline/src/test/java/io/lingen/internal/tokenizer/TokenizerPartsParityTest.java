package io.lingen.internal.tokenizer;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Comparison of each part of a tokenizer, with all its settings, with the Rust library. */
class TokenizerPartsParityTest {
    private static final List<String> TEXTS = new RandomTexts(2).take(Integer.getInteger("lingen.texts", 10_000) / 50);

    static Stream<String> normalizers() {
        return Stream.of(
                "null",
                "{'type':'NFC'}",
                "{'type':'NFD'}",
                "{'type':'NFKC'}",
                "{'type':'NFKD'}",
                "{'type':'Lowercase'}",
                "{'type':'StripAccents'}",
                "{'type':'Strip','strip_left':true,'strip_right':false}",
                "{'type':'Strip','strip_left':true,'strip_right':true}",
                "{'type':'Prepend','prepend':'▁x'}",
                "{'type':'Replace','pattern':{'String':'e'},'content':''}",
                "{'type':'Replace','pattern':{'Regex':'\\\\s+'},'content':' '}",
                "{'type':'Replace','pattern':{'Regex':'(a|ab)(c|bcd)?|[^\\\\W\\\\d_]{2,3}?x|\\\\.{2}'},'content':'<$1>'}",
                "{'type':'Sequence','normalizers':[]}",
                "{'type':'Sequence','normalizers':[{'type':'NFD'},{'type':'Lowercase'},{'type':'StripAccents'},{'type':'NFC'}]}",
                bert("true", "true", "null", "true"),
                bert("true", "false", "false", "true"),
                bert("false", "true", "true", "false"),
                TokenizerFiles.precompiled(CharsMapBuilder.nmtNfkc()));
    }

    private static String bert(String clean, String chinese, String accents, String lowercase) {
        return "{'type':'BertNormalizer','clean_text':" + clean + ",'handle_chinese_chars':" + chinese
                + ",'strip_accents':" + accents + ",'lowercase':" + lowercase + "}";
    }

    static Stream<String> preTokenizers() {
        return Stream.of(
                "null",
                "{'type':'BertPreTokenizer'}",
                "{'type':'Whitespace'}",
                "{'type':'WhitespaceSplit'}",
                "{'type':'Digits','individual_digits':true}",
                "{'type':'Digits','individual_digits':false}",
                "{'type':'Punctuation'}",
                "{'type':'Punctuation','behavior':'Contiguous'}",
                "{'type':'Punctuation','behavior':'MergedWithPrevious'}",
                "{'type':'Punctuation','behavior':'MergedWithNext'}",
                "{'type':'Punctuation','behavior':'Removed'}",
                metaspace("'add_prefix_space':true"),
                metaspace("'prepend_scheme':'never','add_prefix_space':false"),
                metaspace("'prepend_scheme':'first'"),
                metaspace("'prepend_scheme':'first','split':false"),
                metaspace("'prepend_scheme':'always','split':false"),
                "{'type':'Sequence','pretokenizers':[{'type':'WhitespaceSplit'},"
                        + metaspace("'prepend_scheme':'always'") + "]}",
                "{'type':'Sequence','pretokenizers':[{'type':'Punctuation'}," + metaspace("'prepend_scheme':'first'")
                        + "]}",
                split("{'String':'e'}", "MergedWithNext", false),
                split("{'String':' '}", "Isolated", true),
                split("{'Regex':'\\\\w+|[^\\\\w\\\\s]+'}", "Removed", true),
                split("{'Regex':'\\\\s+(?!\\\\S)|\\\\s+'}", "Isolated", false),
                split("{'Regex':'[a-e\\\\-\\\\]]+?[^f-z]'}", "Isolated", false),
                split("{'Regex':'(?:in|an){1,2}(?=g)|.{5}'}", "Contiguous", false));
    }

    private static String metaspace(String settings) {
        return "{'type':'Metaspace','replacement':'▁'," + settings + "}";
    }

    private static String split(String pattern, String behavior, boolean invert) {
        return "{'type':'Split','pattern':" + pattern + ",'behavior':'" + behavior + "','invert':" + invert + "}";
    }

    @ParameterizedTest
    @MethodSource("normalizers")
    void normalizersEqualThoseOfTheNativeTokenizer(String normalizer) throws IOException {
        TokenizerParityTest.compare(TokenizerFiles.bytes(normalizer, "null"), TEXTS);
        TokenizerParityTest.compare(
                TokenizerFiles.unigram(normalizer, metaspace("'prepend_scheme':'first'"), false), TEXTS);
    }

    @ParameterizedTest
    @MethodSource("preTokenizers")
    void preTokenizersEqualThoseOfTheNativeTokenizer(String preTokenizer) throws IOException {
        TokenizerParityTest.compare(
                TokenizerFiles.bytes("{'type':'Strip','strip_left':true,'strip_right':true}", preTokenizer), TEXTS);
        TokenizerParityTest.compare(TokenizerFiles.unigram("null", preTokenizer, true), TEXTS);
    }

    static Stream<String> bpeSettings() {
        return Stream.of(
                "'fuse_unk':true,'byte_fallback':true,'ignore_merges':true",
                "'fuse_unk':true,'byte_fallback':false,'ignore_merges':false",
                "'fuse_unk':false,'byte_fallback':false,'ignore_merges':false",
                "'fuse_unk':false,'byte_fallback':false,'ignore_merges':false,'unk_token':null",
                "'end_of_word_suffix':'ing'",
                "'continuing_subword_prefix':''");
    }

    @ParameterizedTest
    @MethodSource("bpeSettings")
    void bpeEqualsThatOfTheNativeTokenizer(String settings) throws IOException {
        String blanks = "{'type':'Replace','pattern':{'String':' '},'content':'▁'}";
        TokenizerParityTest.compare(TokenizerFiles.bpe(blanks, "null", settings, false, false), TEXTS);
        TokenizerParityTest.compare(
                TokenizerFiles.bpe("null", "{'type':'WhitespaceSplit'}", settings, true, false), TEXTS);
    }

    static Stream<String> byteLevels() {
        String level = "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':false}";
        return Stream.of(
                "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true}",
                "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':true}",
                level,
                // The patterns of Llama 3 and of CLIP.
                "{'type':'Sequence','pretokenizers':["
                        + split(
                                "{'Regex':'(?i:\\u0027s|\\u0027t|\\u0027re|\\u0027ve|\\u0027m|\\u0027ll|\\u0027d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
                                        + "\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+'}",
                                "Isolated",
                                false)
                        + "," + level + "]}",
                "{'type':'Sequence','pretokenizers':["
                        + split(
                                "{'Regex':'\\u0027s|\\u0027t|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+'}",
                                "Removed",
                                true)
                        + "," + level + "]}");
    }

    @ParameterizedTest
    @MethodSource("byteLevels")
    void byteFallbackEqualsThatOfTheNativeTokenizer(String preTokenizer) throws IOException {
        TokenizerParityTest.compare(TokenizerFiles.bpe("null", preTokenizer, "'fuse_unk':false", true, true), TEXTS);
    }

    static Stream<String> postProcessors() {
        return Stream.of(
                "null",
                "{'type':'BertProcessing','sep':['<eos>',1],'cls':['<bos>',2]}",
                "{'type':'RobertaProcessing','sep':['<eos>',1],'cls':['<bos>',2],'trim_offsets':true,'add_prefix_space':false}",
                "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':false}",
                "{'type':'Sequence','processors':[{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':false},"
                        + TokenizerFiles.OPENING + "]}");
    }

    @ParameterizedTest
    @MethodSource("postProcessors")
    void specialTokensEqualThoseOfTheNativeTokenizer(String postProcessor) throws IOException {
        String json = new String(TokenizerFiles.gemma(), java.nio.charset.StandardCharsets.UTF_8)
                .replace(TokenizerFiles.OPENING.replace('\'', '"'), postProcessor.replace('\'', '"'));
        TokenizerParityTest.compare(json.getBytes(java.nio.charset.StandardCharsets.UTF_8), TEXTS.subList(0, 50));
    }

    /** Ties are decided by the last bits of sums, which depend on the order of summation and on the parsing of scores. */
    @Test
    void tiesBetweenSegmentationsEqualTheNativeTokenizer() throws IOException {
        Random random = new Random(3);
        for (int i = 0; i < 20; i++) {
            byte[] json = TokenizerFiles.ties(random);
            List<String> words = random.ints(200, 1, 30)
                    .mapToObj(length -> random.ints(length, 0, 3)
                            .collect(
                                    StringBuilder::new,
                                    (word, letter) -> word.append((char) ('a' + letter)),
                                    StringBuilder::append)
                            .toString())
                    .toList();
            TokenizerParityTest.compare(json, words);
        }
    }
}
