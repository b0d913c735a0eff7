package main

import (
	"encoding/json"
	"sort"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"rtt.local/cue/schema"
)

const (
	// importPath is how users' files name the schema; their vendored copy is for editors and for plain cue.
	importPath = "rtt.local/rtt"
	// packageName is the package of a project's files.
	packageName = "panel"
	// schemaFile names the schema in positions, which are never shown.
	schemaFile = "rtt.local/rtt/schema.cue"
	// mostIssues bounds the reply; more than these nobody reads at once.
	mostIssues = 200
)

// evaluation is the work on one request.
type evaluation struct {
	context *cue.Context
	sources *sources
	files   []*ast.File
	holes   *holes
	reply   Reply
	seen    map[string]bool
	// again are paths at which a mistake shows that was told at another: what refers to it has it too.
	again []string
}

func evaluate(files map[string]string) Reply {
	e := &evaluation{
		context: cuecontext.New(),
		sources: newSources(files),
		holes:   newHoles(),
		seen:    map[string]bool{},
		reply: Reply{
			Value: map[string]any{}, Broken: []string{}, Places: map[string]Place{}, Issues: []Issue{}, Schema: schema.Text,
		},
	}
	if e.parse(files) {
		e.run()
	}
	sort.SliceStable(e.reply.Issues, func(a, b int) bool { return before(e.reply.Issues[a], e.reply.Issues[b]) })
	if more := len(e.reply.Issues) - mostIssues; more > 0 {
		first := e.reply.Issues[mostIssues]
		e.reply.Issues = append(e.reply.Issues[:mostIssues], Issue{Kind: "more", Place: first.Place, Name: itoa(more)})
	}
	return e.reply
}

// parse reads all files and reports every syntax error of every file.
func (e *evaluation) parse(files map[string]string) bool {
	for _, name := range sortedKeys(files) {
		file, err := parser.ParseFile(name, files[name], parser.AllErrors)
		for _, each := range errors.Errors(err) {
			e.addError("syntax", each)
		}
		if err != nil {
			continue
		}
		if file.PackageName() != packageName {
			place := e.sources.place(file.Pos())
			if place == nil {
				place = &Place{File: name, Line: 1, Column: 1}
			}
			e.add(Issue{Kind: "package", Place: place, Name: file.PackageName(), Options: []string{packageName}})
			continue
		}
		e.files = append(e.files, file)
	}
	return len(e.reply.Issues) == 0
}

func (e *evaluation) run() {
	e.dropImports()
	whole, ok := e.settle()
	if !ok {
		return
	}
	definition := e.project(schema.Text)
	project := whole.Unify(definition)
	written := readPlaces(e.files, e.sources, e.holes)
	err := project.Validate(cue.Concrete(true))
	if err != nil {
		e.explain(project, definition, written, err)
	}
	e.collect(project, err == nil)
	for _, name := range append([]string{"panel", "policy"}, sections...) {
		e.collectPlaces(project.LookupPath(cue.MakePath(cue.Str(name))), written, name)
	}
	// What is left out of the value since something is wrong with it is spoken of all the same.
	for _, places := range []map[string]Place{written.values, written.names} {
		for path, place := range places {
			if _, there := e.reply.Places[path]; !there {
				e.reply.Places[path] = place
			}
		}
	}
}

// settle builds the files until every name in them leads somewhere or has become a hole.
func (e *evaluation) settle() (cue.Value, bool) {
	for range mostPasses {
		value, err := e.build(schema.Text)
		if err == nil {
			return value, true
		}
		if !e.fill(err) {
			e.addErrors("cue", err)
			return value, false
		}
	}
	return cue.Value{}, false
}

// build makes one instance of the user's files, with this text as the schema that they import.
func (e *evaluation) build(schemaText string) (cue.Value, error) {
	loader := func(_ token.Pos, path string) *build.Instance {
		if path == importPath {
			return schemaInstance(schemaText)
		}
		return nil // a package of CUE itself
	}
	instance := build.NewContext(build.Loader(loader)).NewInstance("", loader)
	instance.PkgName = packageName
	var wrong errors.Error
	for _, file := range e.files {
		if err := instance.AddSyntax(file); err != nil {
			wrong = errors.Append(wrong, err)
		}
	}
	if wrong != nil {
		return cue.Value{}, wrong
	}
	if err := instance.Complete(); err != nil {
		return cue.Value{}, err
	}
	value := e.context.BuildInstance(instance)
	if instance.Err != nil {
		return value, instance.Err
	}
	return value, nil
}

func (e *evaluation) project(text string) cue.Value {
	return e.context.BuildInstance(schemaInstance(text)).LookupPath(cue.ParsePath("#Project"))
}

func schemaInstance(text string) *build.Instance {
	instance := build.NewContext().NewInstance("", nil)
	instance.ImportPath = importPath
	instance.PkgName = "rtt"
	file, err := parser.ParseFile(schemaFile, text, parser.ParseComments)
	if err == nil {
		err = instance.AddSyntax(file)
	}
	if err != nil {
		panic(err)
	}
	if err := instance.Complete(); err != nil {
		panic(err)
	}
	return instance
}

// sections are the maps at the top whose entries are judged one by one.
var sections = []string{"contracts", "drivers", "routes"}

// collect takes the sound parts of the value, however deep something is wrong.
func (e *evaluation) collect(project cue.Value, sound bool) {
	for _, name := range append([]string{"panel", "policy"}, sections...) {
		section := project.LookupPath(cue.MakePath(cue.Str(name)))
		if value := e.soundPart(section, name, sound); value != nil {
			e.reply.Value[name] = value
		}
	}
	for _, each := range e.reply.Issues {
		if each.Kind == "missing" {
			e.reply.Broken = append(e.reply.Broken, join(each.Path, each.Name))
		}
	}
	e.reply.Broken = append(e.reply.Broken, sortedKeys(e.holes.paths)...)
}

// soundPart is the value as JSON, without the fields in which something is wrong; nil when nothing of it is sound.
func (e *evaluation) soundPart(value cue.Value, path string, sound bool) any {
	if sound || (value.Exists() && value.Validate(cue.Concrete(true)) == nil) {
		if text, err := value.MarshalJSON(); err == nil {
			return json.RawMessage(text)
		}
	}
	fields, err := value.Fields()
	if err != nil {
		e.reply.Broken = append(e.reply.Broken, path)
		return nil
	}
	parts := map[string]any{}
	items := []any{}
	for fields.Next() {
		if fields.Selector().LabelType() == cue.IndexLabel {
			items = append(items, e.soundPart(fields.Value(), join(path, itoa(len(items))), false))
			continue
		}
		name := fields.Selector().Unquoted()
		if part := e.soundPart(fields.Value(), join(path, name), false); part != nil {
			parts[name] = part
		}
	}
	if len(items) > 0 {
		return items
	}
	return parts
}

// collectPlaces gives each part of the value the place where the user wrote it; what came by a reference has the place of
// what is referred to; what came from the schema has none.
func (e *evaluation) collectPlaces(value cue.Value, written *writtenPlaces, path string) {
	if path != "" {
		if place, ok := written.values[path]; ok {
			e.reply.Places[path] = place
		} else if place := e.sources.place(value.Pos()); place != nil {
			e.reply.Places[path] = *place
		}
	}
	switch value.IncompleteKind() {
	case cue.StructKind:
		fields, err := value.Fields()
		for err == nil && fields.Next() {
			e.collectPlaces(fields.Value(), written, join(path, fields.Selector().Unquoted()))
		}
	case cue.ListKind:
		items, err := value.List()
		for at := 0; err == nil && items.Next(); at++ {
			e.collectPlaces(items.Value(), written, join(path, itoa(at)))
		}
	}
}
