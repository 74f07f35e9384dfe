package dev.collimate.text.jinja;

import dev.collimate.text.jinja.Expression.Calculation;
import dev.collimate.text.jinja.Expression.CallArguments;
import dev.collimate.text.jinja.Expression.Comparison;
import dev.collimate.text.jinja.Expression.Constant;
import dev.collimate.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Parses expressions, loosest operators first. */
final class ExpressionParser {

  private static final int MAX_DEPTH = 200;

  private static final Map<String, Relation> RELATIONS =
      Map.of(
          "==", Relation.EQUAL,
          "!=", Relation.NOT_EQUAL,
          "<", Relation.LESS,
          "<=", Relation.LESS_OR_EQUAL,
          ">", Relation.GREATER,
          ">=", Relation.GREATER_OR_EQUAL);

  private final TokenStream tokens;
  private int depth;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  /** {@code a if b else c} and everything tighter. */
  Expression parse() {
    if (++depth > MAX_DEPTH) {
      throw tokens.unexpected("an expression of at most %d levels".formatted(MAX_DEPTH));
    }
    Expression expression = or();
    while (tokens.skipName("if")) {
      Expression test = or();
      Optional<Expression> otherwise =
          tokens.skipName("else") ? Optional.of(parse()) : Optional.empty();
      expression = new Expression.Conditional(test, expression, otherwise);
    }
    depth--;
    return expression;
  }

  /** Everything but the conditional: what a for-loop walks. */
  Expression parseWithoutCondition() {
    return or();
  }

  /** One expression, or several with commas: a tuple. */
  Expression parseTuple() {
    Expression first = parse();
    if (!tokens.current().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",") && !isTupleEnd()) {
      items.add(parse());
    }
    return new Expression.TupleLiteral(items);
  }

  private boolean isTupleEnd() {
    return tokens.is(Kind.VARIABLE_END)
        || tokens.is(Kind.BLOCK_END)
        || tokens.current().isOperator(")");
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    int negations = 0;
    while (tokens.skipName("not")) {
      negations++;
    }
    Expression expression = comparison();
    for (int i = 0; i < negations; i++) {
      expression = new Expression.Not(expression);
    }
    return expression;
  }

  private Expression comparison() {
    Expression first = sum();
    List<Comparison.Operand> operands = new ArrayList<>();
    while (true) {
      Relation relation = null;
      if (tokens.is(Kind.OPERATOR)) {
        relation = RELATIONS.get(tokens.current().text());
      } else if (tokens.current().isName("in")) {
        relation = Relation.IN;
      } else if (tokens.current().isName("not") && tokens.following().isName("in")) {
        tokens.next();
        relation = Relation.NOT_IN;
      }
      if (relation == null) {
        return operands.isEmpty() ? first : new Comparison(first, operands);
      }
      tokens.next();
      operands.add(new Comparison.Operand(relation, sum()));
    }
  }

  private Expression sum() {
    Expression left = concatenation();
    while (true) {
      if (tokens.skipOperator("+")) {
        left = new Calculation(Arithmetic.ADD, left, concatenation());
      } else if (tokens.skipOperator("-")) {
        left = new Calculation(Arithmetic.SUBTRACT, left, concatenation());
      } else {
        return left;
      }
    }
  }

  private Expression concatenation() {
    Expression first = product();
    if (!tokens.current().isOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return new Expression.Concatenation(parts);
  }

  private Expression product() {
    Expression left = power();
    while (true) {
      if (tokens.skipOperator("*")) {
        left = new Calculation(Arithmetic.MULTIPLY, left, power());
      } else if (tokens.skipOperator("/")) {
        left = new Calculation(Arithmetic.DIVIDE, left, power());
      } else if (tokens.skipOperator("//")) {
        left = new Calculation(Arithmetic.FLOOR_DIVIDE, left, power());
      } else if (tokens.skipOperator("%")) {
        left = new Calculation(Arithmetic.MODULO, left, power());
      } else {
        return left;
      }
    }
  }

  private Expression power() {
    Expression left = filtered(unary());
    while (tokens.skipOperator("**")) {
      left = new Calculation(Arithmetic.POWER, left, filtered(unary()));
    }
    return left;
  }

  /** A sign binds tighter than a filter: {@code -1|abs} is 1. */
  private Expression unary() {
    if (tokens.skipOperator("-")) {
      return postfix(new Expression.Negated(unary()));
    } else if (tokens.skipOperator("+")) {
      return postfix(unary());
    }
    return postfix(primary());
  }

  private Expression primary() {
    return switch (tokens.current().kind()) {
      case NAME -> nameOrConstant(tokens.next().text());
      case STRING -> strings();
      case INTEGER -> new Constant(tokens.next().integer());
      case FLOAT -> new Constant(Double.valueOf(tokens.next().text().replace("_", "")));
      case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, OPERATOR, END -> {
        if (tokens.skipOperator("(")) {
          yield parenthesized();
        } else if (tokens.skipOperator("[")) {
          yield list();
        } else if (tokens.skipOperator("{")) {
          yield dict();
        }
        throw tokens.unexpected("an expression");
      }
    };
  }

  /** Strings side by side are one string. */
  private Expression strings() {
    StringBuilder text = new StringBuilder();
    while (tokens.is(Kind.STRING)) {
      text.append(tokens.next().text());
    }
    return new Constant(text.toString());
  }

  private static Expression nameOrConstant(String name) {
    return switch (name) {
      case "true", "True" -> new Constant(true);
      case "false", "False" -> new Constant(false);
      case "none", "None" -> Constant.NONE;
      default -> new Expression.Name(name);
    };
  }

  private Expression parenthesized() {
    Expression inner =
        tokens.current().isOperator(")") ? new Expression.TupleLiteral(List.of()) : parseTuple();
    tokens.expectOperator(")");
    return inner;
  }

  private Expression list() {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator("]")) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("]")) {
          break;
        }
      }
      items.add(parse());
    }
    return new Expression.ListLiteral(items);
  }

  private Expression dict() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(parse());
      tokens.expectOperator(":");
      values.add(parse());
    }
    return new Expression.DictLiteral(keys, values);
  }

  private Expression postfix(Expression expression) {
    Expression result = expression;
    while (true) {
      if (tokens.skipOperator(".")) {
        result = attribute(result);
      } else if (tokens.skipOperator("[")) {
        result = subscript(result);
        tokens.expectOperator("]");
      } else if (tokens.current().isOperator("(")) {
        result = new Expression.Call(result, arguments());
      } else {
        return result;
      }
    }
  }

  private Expression attribute(Expression target) {
    if (tokens.is(Kind.INTEGER)) {
      return new Expression.Item(target, new Constant(tokens.next().integer()));
    }
    return new Expression.Attribute(target, tokens.expect(Kind.NAME, "a name").text());
  }

  private Expression subscript(Expression target) {
    Expression from = isSliceEnd() ? Constant.NONE : parse();
    if (!tokens.skipOperator(":")) {
      if (tokens.current().isOperator(",")) {
        throw tokens.unexpected("']'");
      }
      return new Expression.Item(target, from);
    }
    Expression to = isSliceEnd() ? Constant.NONE : parse();
    Expression step = tokens.skipOperator(":") && !isSliceEnd() ? parse() : Constant.NONE;
    return new Expression.Slice(target, from, to, step);
  }

  private boolean isSliceEnd() {
    return tokens.current().isOperator(":") || tokens.current().isOperator("]");
  }

  private Expression filtered(Expression expression) {
    Expression result = expression;
    while (true) {
      if (tokens.skipOperator("|")) {
        result = filter(result);
      } else if (tokens.skipName("is")) {
        result = test(result);
      } else if (tokens.current().isOperator("(")) {
        result = new Expression.Call(result, arguments());
      } else {
        return result;
      }
    }
  }

  /** A filter's name and arguments, applied to an expression. */
  Expression.Filtered filter(Expression value) {
    String name = dottedName("a filter's name");
    CallArguments arguments = tokens.current().isOperator("(") ? arguments() : CallArguments.NONE;
    return new Expression.Filtered(value, name, arguments);
  }

  private Expression test(Expression value) {
    boolean isNegated = tokens.skipName("not");
    String name = dottedName("a test's name");
    CallArguments arguments = CallArguments.NONE;
    if (tokens.current().isOperator("(")) {
      arguments = arguments();
    } else if (startsTestArgument()) {
      if (tokens.current().isName("is")) {
        throw TemplateException.at(tokens.current().line(), "tests cannot be chained with is");
      }
      arguments =
          new CallArguments(
              List.of(postfix(primary())), Map.of(), Optional.empty(), Optional.empty());
    }
    Expression tested = new Expression.Tested(value, name, arguments);
    return isNegated ? new Expression.Not(tested) : tested;
  }

  private boolean startsTestArgument() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.isOperator("[") || token.isOperator("{");
      case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, END -> false;
    };
  }

  private String dottedName(String wanted) {
    StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME, wanted).text());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expect(Kind.NAME, wanted).text());
    }
    return name.toString();
  }

  private CallArguments arguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> keywords = new LinkedHashMap<>();
    Optional<Expression> star = Optional.empty();
    Optional<Expression> doubleStar = Optional.empty();
    boolean isFirst = true;
    while (!tokens.skipOperator(")")) {
      if (!isFirst) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      isFirst = false;
      if (tokens.skipOperator("*")) {
        star = Optional.of(parse());
      } else if (tokens.skipOperator("**")) {
        doubleStar = Optional.of(parse());
      } else if (tokens.is(Kind.NAME) && tokens.following().isOperator("=")) {
        String name = tokens.next().text();
        tokens.next();
        keywords.put(name, parse());
      } else if (keywords.isEmpty() && star.isEmpty() && doubleStar.isEmpty()) {
        positional.add(parse());
      } else {
        throw tokens.unexpected("a keyword argument");
      }
    }
    return new CallArguments(positional, keywords, star, doubleStar);
  }
}
