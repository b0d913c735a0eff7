package main

import (
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"rtt.local/cue/schema"
)

// explain says what is wrong with the user's own values, field by field, so that one mistake hides no other and no
// disjunction answers with a place in the schema. It looks at the files once more, with a schema that allows everything:
// what is there then is the user's alone. What it finds no words for is said by CUE.
func (e *evaluation) explain(project, definition cue.Value, written *writtenPlaces, err error) {
	if users, err := e.build(openSchema()); err == nil {
		(&explainer{evaluation: e, written: written, children: map[string]map[string]member{}}).
			structure(users, definition, nil, place{at: "#Project"})
	}
	e.addUncovered(err, written)
	// One conflict can hide others: each part is asked for its own errors too.
	for _, section := range sections {
		fields, err := project.LookupPath(cue.MakePath(cue.Str(section))).Fields()
		for err == nil && fields.Next() {
			e.addUncovered(fields.Value().Validate(cue.Concrete(true)), written)
		}
	}
}

// openSchema has every definition of the schema, and each allows anything.
func openSchema() string {
	text := []string{"package rtt"}
	for _, line := range strings.Split(schema.Text, "\n") {
		if name, _, found := strings.Cut(line, ":"); found && strings.HasPrefix(name, "#") {
			text = append(text, name+": _")
		}
	}
	return strings.Join(text, "\n")
}

type explainer struct {
	*evaluation
	written  *writtenPlaces
	children map[string]map[string]member
}

// member is one declared field of a struct of the schema.
type member struct {
	value    cue.Value
	required bool
}

// place is a place in the schema: its name, for the cache of members, and the nearest comment at or above it.
type place struct{ at, doc string }

func (p place) inner(name string, value cue.Value) place {
	if doc := docOf(value); doc != "" {
		return place{at: p.at + name, doc: doc}
	}
	return place{at: p.at + name, doc: p.doc}
}

// value compares what the user wrote at a path with the schema.
func (x *explainer) value(users, expected cue.Value, path []string, in place) {
	has, kind := users.IncompleteKind(), expected.IncompleteKind()
	if has == cue.BottomKind {
		// At odds with itself: CUE names both places. A struct with such a part still has its other parts.
		if _, err := users.Fields(); err != nil {
			return
		}
		has = cue.StructKind
	}
	if has&kind == 0 {
		x.add(x.issue("type", users, expected, path, in.doc))
		return
	}
	switch has {
	case cue.StructKind:
		for _, each := range alternativesOf(expected) {
			if each.IncompleteKind() == cue.StructKind {
				x.structure(users, each, path, in)
				return
			}
		}
	case cue.ListKind:
		x.list(users, expected, path, in)
	default:
		if users.Unify(expected).Validate(cue.Concrete(true)) != nil {
			x.addValue(x.issue("value", users, expected, path, in.doc))
		}
	}
}

// addValue: that something is not concrete follows from a hole, where there is one.
func (x *explainer) addValue(issue Issue) {
	if issue.Got != "" || !x.holes.any() {
		x.add(issue)
	}
}

func (x *explainer) structure(users, expected cue.Value, path []string, in place) {
	members := x.members(expected, in.at)
	fields, err := users.Fields()
	if err != nil {
		return
	}
	present := map[string]bool{}
	for fields.Next() {
		selector := fields.Selector()
		name := selector.Unquoted()
		present[name] = true
		inner := append(append([]string{}, path...), name)
		if known, ok := members[name]; ok {
			x.value(fields.Value(), known.value, inner, in.inner("."+name, known.value))
		} else if child, ok := x.pattern(expected, selector); ok {
			x.value(fields.Value(), child, inner, in.inner(".*", child))
		} else {
			x.unknown(members, inner, fields.Value())
		}
	}
	if x.holes.paths[strings.Join(path, ".")] {
		return // what is missing may be in the hole
	}
	for _, name := range sortedKeys(members) {
		if members[name].required && !present[name] {
			x.add(Issue{
				Kind: "missing", Path: strings.Join(path, "."), Name: name,
				Place: x.placeOf(path), Doc: docOf(members[name].value),
			})
		}
	}
}

func (x *explainer) list(users, expected cue.Value, path []string, in place) {
	items, err := users.List()
	if err != nil {
		return
	}
	element := expected.LookupPath(cue.MakePath(cue.AnyIndex))
	count := 0
	for ; items.Next(); count++ {
		if element.Exists() {
			x.value(items.Value(), element, append(append([]string{}, path...), itoa(count)), in.inner("[]", element))
		}
	}
	if count == 0 && users.Unify(expected).Validate(cue.Concrete(true)) != nil {
		x.addValue(x.issue("value", users, expected, path, in.doc))
	}
}

func (x *explainer) unknown(members map[string]member, path []string, users cue.Value) {
	issue := Issue{Kind: "unknown", Path: strings.Join(path, "."), Name: path[len(path)-1], Options: sortedKeys(members)}
	if len(members) == 0 {
		issue.Kind = "name"
	}
	if place, ok := x.written.names[issue.Path]; ok {
		issue.Place = &place
	} else if issue.Place = x.sources.place(labelPos(users)); issue.Place == nil {
		issue.Place = x.placeOf(path)
	}
	x.add(issue)
}

// labelPos is where the name of a field stands that came by a reference.
func labelPos(users cue.Value) token.Pos {
	if field, ok := users.Source().(*ast.Field); ok {
		return field.Label.Pos()
	}
	return users.Pos()
}

// members are the declared fields of a struct of the schema, whether they must be there or not.
func (x *explainer) members(expected cue.Value, at string) map[string]member {
	if known, ok := x.children[at]; ok {
		return known
	}
	found := map[string]member{}
	fields, err := expected.Fields(cue.Optional(true))
	for err == nil && fields.Next() {
		selector := fields.Selector()
		if selector.LabelType() == cue.StringLabel {
			found[selector.Unquoted()] = member{
				value: fields.Value(), required: selector.ConstraintType() == cue.RequiredConstraint,
			}
		}
	}
	x.children[at] = found
	return found
}

// pattern is what a map of the schema asks of the value under a name.
func (x *explainer) pattern(expected cue.Value, selector cue.Selector) (cue.Value, bool) {
	if !expected.Allows(selector) {
		return cue.Value{}, false
	}
	key := cue.MakePath(selector)
	child := expected.FillPath(key, x.context.CompileString("_")).LookupPath(key)
	return child, child.Exists()
}

func (x *explainer) issue(kind string, users, expected cue.Value, path []string, doc string) Issue {
	issue := Issue{
		Kind: kind, Path: strings.Join(path, "."), Place: x.placeWritten(path, users), Doc: doc,
		Kinds: expected.IncompleteKind().String(), Options: optionsOf(expected),
	}
	if text, err := users.MarshalJSON(); err == nil {
		issue.Got = string(text)
	}
	return issue
}

// placeWritten is where the value stands in the text: under its own path, or where a reference leads.
func (x *explainer) placeWritten(path []string, users cue.Value) *Place {
	if place, ok := x.written.values[strings.Join(path, ".")]; ok {
		return &place
	}
	if place := x.sources.place(users.Pos()); place != nil {
		return place
	}
	return x.placeOf(path)
}

func (x *explainer) placeOf(path []string) *Place {
	if place := x.written.nearest(path); place != nil {
		return place
	}
	return x.sources.first()
}

// alternativesOf takes a disjunction apart, also one that a reference or a conjunction with anything leads to.
func alternativesOf(expected cue.Value) []cue.Value {
	operator, operands := cue.Dereference(expected).Expr()
	switch operator {
	case cue.OrOp:
		found := []cue.Value{}
		for _, each := range operands {
			found = append(found, alternativesOf(each)...)
		}
		return found
	case cue.AndOp:
		for _, each := range operands {
			if found := alternativesOf(each); len(found) > 1 {
				return found
			}
		}
	}
	return []cue.Value{expected}
}

// optionsOf lists the texts that are allowed, when the schema lists them all.
func optionsOf(expected cue.Value) []string {
	options := map[string]bool{}
	for _, each := range alternativesOf(expected) {
		text, err := each.String()
		if err != nil {
			return nil // a default among values of a form
		}
		options[text] = true
	}
	return sortedKeys(options)
}

func docOf(value cue.Value) string {
	for _, group := range value.Doc() {
		if text := strings.TrimSpace(group.Text()); text != "" {
			return strings.Join(strings.Fields(text), " ")
		}
	}
	return ""
}
