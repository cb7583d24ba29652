package report

import "github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"

// hidden stands for what Terraform marks as sensitive.
const hidden = "(sensitive)"

// hide takes everything out of a document that is marked as sensitive. It returns a redactor which knows what that
// was, as a message may repeat it.
func hide(d *document) *vendortext.Redactor {
	redactor := vendortext.NewRedactor()
	for _, r := range d.resources() {
		r.Values = hideIn(redactor, r.Values, r.Sensitive)
	}
	for i := range d.Changes {
		c := &d.Changes[i].Change
		c.Before = hideIn(redactor, c.Before, c.BeforeSensitive)
		c.After = hideIn(redactor, c.After, c.AfterSensitive)
	}
	for name, v := range d.Variables {
		if declared, ok := d.Configuration.Root.Variables[name]; !ok || declared.Sensitive {
			learn(redactor, v.Value)
			delete(d.Variables, name)
		}
	}
	for _, v := range []*values{d.Values, d.PlannedValues} {
		if v == nil {
			continue
		}
		for _, o := range v.Outputs {
			if o.Sensitive {
				learn(redactor, o.Value)
			}
		}
	}
	return redactor
}

func hideIn(redactor *vendortext.Redactor, o object, marks any) object {
	if o == nil {
		return nil
	}
	return asObject(hideValue(redactor, map[string]any(o), marks))
}

// hideValue returns a value without those parts of it that marks has as true.
func hideValue(redactor *vendortext.Redactor, value, marks any) any {
	switch marks := marks.(type) {
	case bool:
		if !marks || value == nil {
			return value
		}
		learn(redactor, value)
		return hidden
	case map[string]any:
		attributes, ok := value.(map[string]any)
		if !ok {
			return value
		}
		for name, mark := range marks {
			if attribute, ok := attributes[name]; ok {
				attributes[name] = hideValue(redactor, attribute, mark)
			}
		}
	case []any:
		elements, ok := value.([]any)
		if !ok {
			return value
		}
		for i := range min(len(marks), len(elements)) {
			elements[i] = hideValue(redactor, elements[i], marks[i])
		}
	}
	return value
}

// learn tells a redactor of every string in a sensitive value.
func learn(redactor *vendortext.Redactor, value any) {
	switch value := value.(type) {
	case string:
		redactor.Learn(value)
	case map[string]any:
		for _, element := range value {
			learn(redactor, element)
		}
	case []any:
		for _, element := range value {
			learn(redactor, element)
		}
	}
}
