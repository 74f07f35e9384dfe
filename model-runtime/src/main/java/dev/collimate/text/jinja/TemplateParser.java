package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Statement.Block;
import dev.collimate.text.jinja.Statement.Target;
import dev.collimate.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Parses a template's statements. */
final class TemplateParser {

  private static final Set<String> UNSUPPORTED =
      Set.of("autoescape", "block", "debug", "do", "extends", "from", "import", "include", "trans");

  private static final int MAX_DEPTH = 100;

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loops;
  private int depth;

  private TemplateParser(TokenStream tokens) {
    this.tokens = tokens;
    expressions = new ExpressionParser(tokens);
  }

  static Block parse(String source) {
    TemplateParser parser = new TemplateParser(new TokenStream(Lexer.tokens(source)));
    Block block = parser.block();
    if (!parser.tokens.is(Kind.END)) {
      throw TemplateException.at(
          parser.tokens.current().line(), "unexpected tag " + parser.tokens.following().describe());
    }
    return block;
  }

  /** Statements up to a tag that starts with one of the names, which is left to be read. */
  private Block block(String... ends) {
    if (++depth > MAX_DEPTH) {
      throw tokens.unexpected("blocks of at most %d levels".formatted(MAX_DEPTH));
    }
    List<Statement> statements = new ArrayList<>();
    while (!tokens.is(Kind.END)) {
      Token token = tokens.current();
      if (token.kind() == Kind.DATA) {
        statements.add(new Statement.Text(tokens.next().text()));
      } else if (token.kind() == Kind.VARIABLE_BEGIN) {
        tokens.next();
        statements.add(new Statement.Print(expressions.parseTuple(), token.line()));
        tokens.expect(Kind.VARIABLE_END, "'}}'");
      } else {
        if (isEnd(ends)) {
          break;
        }
        tokens.next();
        statements.add(statement());
      }
    }
    depth--;
    return new Block(List.copyOf(statements));
  }

  private boolean isEnd(String... ends) {
    for (String end : ends) {
      if (tokens.following().isName(end)) {
        return true;
      }
    }
    return false;
  }

  /** The body of a tag up to its end tag, which is read too. */
  private Block bodyUpTo(String end) {
    tokens.expect(Kind.BLOCK_END, "'%}'");
    Block body = block(end);
    tokens.expect(Kind.BLOCK_BEGIN, "'{% " + end + " %}'");
    tokens.next();
    tokens.expect(Kind.BLOCK_END, "'%}'");
    return body;
  }

  private Statement statement() {
    Token tag = tokens.expect(Kind.NAME, "a tag's name");
    return switch (tag.text()) {
      case "if" -> conditional(tag.line());
      case "for" -> loop(tag.line());
      case "set" -> set(tag.line());
      case "macro" -> macro();
      case "call" -> call(tag.line());
      case "filter" -> filter(tag.line());
      case "with" -> with(tag.line());
      case "generation" -> new Statement.Generation(bodyUpTo("endgeneration"), tag.line());
      case "break", "continue" -> jump(tag);
      default ->
          throw TemplateException.at(
              tag.line(),
              UNSUPPORTED.contains(tag.text())
                  ? "the tag '" + tag.text() + "' is not supported in chat templates"
                  : "unknown tag '" + tag.text() + "'");
    };
  }

  private Statement conditional(int line) {
    List<Statement.If.Branch> branches = new ArrayList<>();
    int branchLine = line;
    while (true) {
      Expression test = expressions.parseTuple();
      tokens.expect(Kind.BLOCK_END, "'%}'");
      branches.add(new Statement.If.Branch(test, block("elif", "else", "endif"), branchLine));
      branchLine = tokens.current().line();
      tokens.expect(Kind.BLOCK_BEGIN, "'{% endif %}'");
      if (tokens.skipName("elif")) {
        continue;
      }
      if (tokens.skipName("else")) {
        branches.add(
            new Statement.If.Branch(new Expression.Constant(true), bodyUpTo("endif"), branchLine));
      } else {
        tokens.next();
        tokens.expect(Kind.BLOCK_END, "'%}'");
      }
      return new Statement.If(List.copyOf(branches));
    }
  }

  private Statement loop(int line) {
    Target target = target();
    if (!tokens.skipName("in")) {
      throw tokens.unexpected("'in'");
    }
    Expression items = loopItems();
    Optional<Expression> condition =
        tokens.skipName("if") ? Optional.of(expressions.parse()) : Optional.empty();
    boolean isRecursive = tokens.skipName("recursive");
    tokens.expect(Kind.BLOCK_END, "'%}'");
    loops++;
    Block body = block("else", "endfor");
    loops--;
    tokens.expect(Kind.BLOCK_BEGIN, "'{% endfor %}'");
    Block otherwise = new Block(List.of());
    if (tokens.skipName("else")) {
      otherwise = bodyUpTo("endfor");
    } else {
      tokens.next();
      tokens.expect(Kind.BLOCK_END, "'%}'");
    }
    return new ForLoop(target, items, condition, isRecursive, body, otherwise, line);
  }

  private Expression loopItems() {
    Expression first = expressions.parseWithoutCondition();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      items.add(expressions.parseWithoutCondition());
    }
    return new Expression.TupleLiteral(items);
  }

  private Statement set(int line) {
    Target target = target();
    if (tokens.skipOperator("=")) {
      Expression value = expressions.parseTuple();
      tokens.expect(Kind.BLOCK_END, "'%}'");
      return new Statement.Set(target, value, line);
    }
    return new Statement.SetBlock(target, filters(), bodyUpTo("endset"), line);
  }

  private List<Expression.Filtered> filters() {
    List<Expression.Filtered> filters = new ArrayList<>();
    while (tokens.skipOperator("|")) {
      filters.add(expressions.filter(Expression.Constant.NONE));
    }
    return filters;
  }

  private Statement macro() {
    String name = tokens.expect(Kind.NAME, "a macro's name").text();
    List<Macro.Parameter> parameters = parameters();
    MacroBody body = macroBody("endmacro");
    return new Statement.Define(body.signature(name, parameters), body.block());
  }

  private Statement call(int line) {
    List<Macro.Parameter> parameters = tokens.current().isOperator("(") ? parameters() : List.of();
    if (!(expressions.parse() instanceof Expression.Call call)) {
      throw TemplateException.at(line, "a call block needs a call");
    }
    MacroBody body = macroBody("endcall");
    return new Statement.CallBlock(body.signature("caller", parameters), call, body.block(), line);
  }

  private MacroBody macroBody(String end) {
    int outerLoops = loops;
    loops = 0;
    int from = tokens.position();
    Block block = bodyUpTo(end);
    loops = outerLoops;
    return new MacroBody(block, tokens.namesSince(from));
  }

  /** A macro's body with the names that stand in it. */
  private record MacroBody(Block block, Set<String> names) {
    Macro.Signature signature(String name, List<Macro.Parameter> parameters) {
      return new Macro.Signature(
          name, parameters, names.contains("varargs"), names.contains("kwargs"));
    }
  }

  private List<Macro.Parameter> parameters() {
    List<Macro.Parameter> parameters = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String name = tokens.expect(Kind.NAME, "a parameter's name").text();
      Optional<Expression> preset =
          tokens.skipOperator("=") ? Optional.of(expressions.parse()) : Optional.empty();
      boolean followsPreset =
          !parameters.isEmpty() && parameters.get(parameters.size() - 1).preset().isPresent();
      if (preset.isEmpty() && followsPreset) {
        throw tokens.unexpected("a default after a parameter with a default");
      }
      parameters.add(new Macro.Parameter(name, preset));
    }
    return List.copyOf(parameters);
  }

  private Statement filter(int line) {
    List<Expression.Filtered> filters = new ArrayList<>();
    filters.add(expressions.filter(Expression.Constant.NONE));
    filters.addAll(filters());
    return new Statement.FilterBlock(filters, bodyUpTo("endfilter"), line);
  }

  private Statement with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.is(Kind.BLOCK_END)) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(singleTarget());
      tokens.expectOperator("=");
      values.add(expressions.parse());
    }
    return new Statement.With(targets, values, bodyUpTo("endwith"), line);
  }

  private Statement jump(Token tag) {
    if (loops == 0) {
      throw TemplateException.at(tag.line(), "'" + tag.text() + "' outside a loop");
    }
    tokens.expect(Kind.BLOCK_END, "'%}'");
    return new Statement.Jump(
        tag.text().equals("break") ? Statement.Flow.BREAK : Statement.Flow.CONTINUE);
  }

  private Target target() {
    Target first = singleTarget();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Target> targets = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      if (!tokens.is(Kind.NAME) && !tokens.current().isOperator("(")) {
        break;
      }
      if (tokens.current().isName("in")) {
        break;
      }
      targets.add(singleTarget());
    }
    return new Target.ToSeveral(targets);
  }

  private Target singleTarget() {
    if (tokens.skipOperator("(")) {
      Target inner = target();
      tokens.expectOperator(")");
      return inner;
    }
    String name = tokens.expect(Kind.NAME, "a name to assign to").text();
    if (tokens.skipOperator(".")) {
      return new Target.ToAttribute(name, tokens.expect(Kind.NAME, "an attribute").text());
    }
    return new Target.ToName(name);
  }
}
