// The host sends what the tool returned.
addEventListener('message', ({ data }) => {
  const { hour, minute } = data.params?.structuredContent ?? {}
  if (hour !== undefined) document.querySelector('#now').value = `${hour}:${String(minute).padStart(2, '0')}`
})
