package gguf

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// A Rule sets the type of the tensors whose names match a pattern.
type Rule struct {
	Pattern string
	Type    Type

	expression *regexp.Regexp
}

// ParseRule parses PATTERN=TYPE, such as attn_v=q6_k, as in llama.cpp's quantizer. The pattern
// is a regular expression that matches any part of a name, without regard to case: attn_v
// matches blk.0.attn_v.weight. The type must be Writable.
func ParseRule(s string) (Rule, error) {
	i := strings.LastIndexByte(s, '=')
	if i < 0 {
		return Rule{}, fmt.Errorf("%s: want PATTERN=TYPE, such as attn_v=q6_k", quote(s))
	}
	r := Rule{Pattern: strings.TrimSpace(s[:i])}
	if r.Pattern == "" {
		return Rule{}, fmt.Errorf("%s: the pattern is empty", quote(s))
	}
	var err error
	if r.Type, err = ParseType(strings.TrimSpace(s[i+1:])); err != nil {
		return Rule{}, fmt.Errorf("%s: %w; types that are written are %s", quote(s), err, Written())
	}
	if !r.Type.Writable() {
		return Rule{}, fmt.Errorf("%s: %s is not written, only %s", quote(s), r.Type, Written())
	}
	if r.expression, err = regexp.Compile("(?i)" + r.Pattern); err != nil {
		var syntax *syntax.Error
		if errors.As(err, &syntax) {
			return Rule{}, fmt.Errorf("%s: the pattern is no regular expression: %s", quote(s), syntax.Code)
		}
		return Rule{}, fmt.Errorf("%s: the pattern is no regular expression", quote(s))
	}
	return r, nil
}

// Written lists the types that are Writable.
func Written() string {
	var names []string
	for i := range types {
		if t := Type(i); t.Writable() {
			names = append(names, t.String())
		}
	}
	return strings.Join(names, ", ")
}

// Matches reports whether the rule applies to a tensor with the given name.
func (r *Rule) Matches(name string) bool { return r.expression.MatchString(name) }

// Rules are rules in the order in which they were given.
type Rules []Rule

// Unused returns the patterns of rules that match none of the names.
func (rules Rules) Unused(names []string) (patterns []string) {
next:
	for i := range rules {
		for _, name := range names {
			if rules[i].Matches(name) {
				continue next
			}
		}
		patterns = append(patterns, rules[i].Pattern)
	}
	return patterns
}

// A Choice is the type chosen for a tensor.
type Choice struct {
	Type   Type
	Wanted Type // the type of the rule, which differs from Type if the rows do not allow it
	Rule   int  // index of the rule that matched; -1 if none did
}

// Choose returns the type for a tensor: the type of the first rule that matches its name, or
// standard. Fallback may replace the type.
func (rules Rules) Choose(t *Tensor, standard Type) Choice {
	c := Choice{Wanted: standard, Rule: -1}
	for i := range rules {
		if rules[i].Matches(t.Name) {
			c.Wanted, c.Rule = rules[i].Type, i
			break
		}
	}
	c.Type = c.Wanted.Fallback(t.RowLen())
	return c
}

// Fallback returns the type that llama.cpp uses if rows of n elements are not whole blocks of
// t. It is a type with blocks of 32 and at least as many bits, or F16 if rows are not multiples
// of 32. Otherwise Fallback returns t.
func (t Type) Fallback(n int) Type {
	for {
		block, _ := t.Block()
		if block == 0 || n%block == 0 {
			return t
		}
		switch t {
		case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, IQ4_XS:
			t = IQ4_NL
		case Q2_0, Q2_K, Q3_K, TQ1_0, TQ2_0:
			t = Q4_0
		case Q4_K:
			t = Q5_0
		case Q5_K:
			t = Q5_1
		case Q6_K:
			t = Q8_0
		default:
			return F16
		}
	}
}
